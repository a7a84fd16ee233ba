import { open } from 'node:fs/promises';
import { LarderError, systemErrorCode } from '../errors.ts';
import { Secret } from './secret.ts';

/** A file's text and its permission bits. */
export interface FileContent {
  readonly text: string;
  readonly mode: number;
}

/** Reads one file; throws Node's system error when it cannot. */
export type ReadFile = (path: string) => Promise<FileContent>;

export const readFileWithMode: ReadFile = async (path) => {
  const file = await open(path, 'r');
  try {
    // mode and text of the same file, whatever is renamed meanwhile
    const { mode } = await file.stat();
    return { text: await file.readFile('utf8'), mode: mode & 0o777 };
  } finally {
    await file.close();
  }
};

/**
 * Docker and Kubernetes mount secrets at the first, readable by all: only this container sees them. systemd keeps
 * credentials at the second, in a directory that only the unit's account enters; where it gives the file to that account by
 * an ACL, the mode shows as 0440.
 */
const MOUNTED_SECRETS = ['/run/secrets/', '/run/credentials/'];

/**
 * The secret in a file, without the newline at its end. Throws CONFIG_INVALID when the file is missing or empty, or when
 * others may read it.
 */
export async function readSecretFile(path: string, readFile: ReadFile): Promise<Secret> {
  const { text, mode } = await attempt(path, readFile);
  if ((mode & 0o077) !== 0 && !MOUNTED_SECRETS.some((place) => path.startsWith(place))) {
    throw new LarderError(
      'CONFIG_INVALID',
      `${path} can be read by its group or by others (mode ${mode.toString(8)}): chmod 600 ${path}`,
    );
  }
  const value = text.replace(/\r?\n$/, '');
  if (value === '') throw new LarderError('CONFIG_INVALID', `${path} is empty`);
  return new Secret(value);
}

async function attempt(path: string, readFile: ReadFile): Promise<FileContent> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = systemErrorCode(error) ?? 'unknown error';
    throw new LarderError('CONFIG_INVALID', `${path} cannot be read (${code})`, { cause: error });
  }
}
