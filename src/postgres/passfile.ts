import { open } from 'node:fs/promises';
import { LarderError, systemErrorCode } from '../errors.ts';
import { isSocketDirectory } from './connection-settings.ts';

/** Whose password is looked for. */
export interface PassfileQuestion {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Names the database field may have, the best first. */
  readonly databases: readonly string[];
}

/** Where libpq's default socket directory is meant, `localhost` in the file stands for it. */
const DEFAULT_SOCKET_DIRECTORIES = ['/tmp', '/var/run/postgresql', '/run/postgresql'];

/**
 * Looks a password up in a file of libpq's `.pgpass` format; `undefined` when there is no file or no line for it.
 * Throws CONFIG_INVALID when others may read the file: libpq ignores such a file, and the login would fail with less
 * to go by.
 */
export async function passwordFromFile(
  path: string,
  question: PassfileQuestion,
): Promise<string | undefined> {
  const text = await readPrivately(path);
  if (text === undefined) return undefined;
  for (const database of question.databases) {
    const password = findPassword(text, question, database);
    if (password !== undefined) return password;
  }
  return undefined;
}

/** The password of the first line that fits. */
export function findPassword(
  text: string,
  question: Pick<PassfileQuestion, 'host' | 'port' | 'user'>,
  database: string,
): string | undefined {
  const local = isSocketDirectory(question.host) && DEFAULT_SOCKET_DIRECTORIES.includes(question.host);
  const hosts = local ? [question.host, 'localhost'] : [question.host];
  for (const line of text.split(/\r?\n/)) {
    if (line === '' || line.startsWith('#')) continue;
    const [host, port, name, user, password] = splitLine(line);
    if (password === undefined || password === '') continue;
    const fits =
      hosts.some((each) => matches(host, each)) &&
      matches(port, String(question.port)) &&
      matches(name, database) &&
      matches(user, question.user);
    if (fits) return unescape(password);
  }
  return undefined;
}

/** The five fields as written, escapes kept: `*` is a wildcard only when it is not escaped. */
function splitLine(line: string): string[] {
  const fields: string[] = [];
  const field = /((?:[^:\\]|\\[^]|\\$)*)(:|$)/y;
  while (fields.length < 4) {
    const match = field.exec(line);
    if (match?.[2] !== ':') return [];
    fields.push(match[1] ?? '');
  }
  // what follows the fourth colon is the password; libpq ends it at an unescaped colon
  const last = field.exec(line);
  return [...fields, last?.[1] ?? ''];
}

function matches(field: string | undefined, value: string): boolean {
  return field === '*' || (field !== undefined && unescape(field) === value);
}

function unescape(field: string): string {
  return field.replaceAll(/\\([^])/g, '$1');
}

async function readPrivately(path: string): Promise<string | undefined> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return undefined;
    throw new LarderError('CONFIG_INVALID', `password file ${path} cannot be read`, {
      hint: `Let the user Larder runs as read ${path}, and nobody else.`,
      cause: error,
    });
  }
  try {
    const { mode } = await file.stat();
    if ((mode & 0o077) !== 0) {
      throw new LarderError('CONFIG_INVALID', `password file ${path} can be read by its group or by others`, {
        hint: `chmod 600 ${path}`,
      });
    }
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}
