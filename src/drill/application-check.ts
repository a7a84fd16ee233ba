import { readFile } from 'node:fs/promises';
import type { Clock } from '../clock.ts';
import { LarderError, toLarderError } from '../errors.ts';
import { openInstanceSession } from '../postgres/server/instance-session.ts';
import type { Check } from '../verify/proof-report.ts';
import { BoundedOutput } from './bounded-output.ts';
import { runCommand } from './run-command.ts';

/** What the owner of the data runs against the copy, to see that his application would work on it. */
export interface ApplicationCheck {
  /** `command`: a program and its arguments, without a shell. `script`: a file of SQL, every statement in one transaction. */
  readonly run:
    | { readonly kind: 'command'; readonly argv: readonly string[] }
    | { readonly kind: 'script'; readonly path: string };
  readonly database: string;
  /** Milliseconds. */
  readonly limit: number;
}

/** What became of it, and what it printed. */
export interface ApplicationResult {
  readonly check: Check;
  readonly output: string;
}

interface Circumstances {
  /** URL of the copy. */
  readonly connection: string;
  /** The value of PATH. */
  readonly searchPath: string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Runs it. Whatever it does is a result, also that it cannot be run.
 * @throws the signal's reason
 */
export async function checkApplication(
  application: ApplicationCheck,
  circumstances: Circumstances,
): Promise<ApplicationResult> {
  const { clock, signal } = circumstances;
  const began = clock.monotonic();
  const output = new BoundedOutput();
  const problem = await (
    application.run.kind === 'command'
      ? runProgram(application, circumstances, output)
      : runScript(application, circumstances, output)
  ).catch((error: unknown) => toLarderError(error).message);
  signal.throwIfAborted();
  return {
    check: {
      name: 'application',
      result: problem === undefined ? 'passed' : 'failed',
      detail: problem ?? `${nameOf(application)} had no complaint in the database ${application.database}`,
      findings: problem === undefined ? [] : [{ code: 'VERIFICATION_FAILED', message: problem }],
      seconds: (clock.monotonic() - began) / 1000,
    },
    output: output.text,
  };
}

function nameOf({ run }: ApplicationCheck): string {
  return run.kind === 'command' ? (run.argv[0] ?? 'the command') : run.path;
}

/** What went wrong, in words; undefined for nothing. */
async function runProgram(
  { run, database, limit }: ApplicationCheck,
  { connection, searchPath, signal }: Circumstances,
  output: BoundedOutput,
): Promise<string | undefined> {
  if (run.kind !== 'command') return undefined;
  const environment = applicationEnvironment(connection, database, searchPath);
  const ended = await runCommand(run.argv, { environment, limit, signal, output });
  if (ended.timedOut) return `${run.argv[0] ?? ''} did not end within ${limit / 1000} s`;
  if (ended.code === 0) return undefined;
  const how = ended.code === null ? `was ended by ${ended.signal ?? 'a signal'}` : `ended with ${ended.code}`;
  return `${run.argv[0] ?? ''} ${how}`;
}

/** Nothing of Larder's own environment, which holds passwords; how to reach the copy, in the ways that programs know. */
export function applicationEnvironment(
  connection: string,
  database: string,
  searchPath: string | undefined,
): Readonly<Record<string, string>> {
  const { url, host, port, user } = plainAddress(connection, database);
  return {
    PATH: searchPath ?? '/usr/local/bin:/usr/bin:/bin',
    LC_ALL: 'C.UTF-8',
    DATABASE_URL: url,
    PGHOST: host,
    PGPORT: port,
    PGUSER: decodeURIComponent(user),
    PGDATABASE: database,
  };
}

/** Of the copy, without the settings that a verification's sessions have: an application finds what the data says. */
function plainAddress(
  connection: string,
  database: string,
): { readonly url: string; readonly host: string; readonly port: string; readonly user: string } {
  const query = new URLSearchParams(connection.slice(connection.indexOf('?') + 1));
  const user = /^postgresql:\/\/([^@/]*)@/.exec(connection)?.[1] ?? 'postgres';
  const [host, port] = [query.get('host') ?? '', query.get('port') ?? '5432'];
  const url = `postgresql://${user}@/${encodeURIComponent(database)}?host=${encodeURIComponent(host)}&port=${port}`;
  return { url, host, port, user };
}

async function runScript(
  { run, database, limit }: ApplicationCheck,
  { connection, clock, signal }: Circumstances,
  output: BoundedOutput,
): Promise<string | undefined> {
  if (run.kind !== 'script') return undefined;
  const text = await readFile(run.path, 'utf8');
  await using session = await openInstanceSession(plainAddress(connection, database).url);
  // the server's own limit counts for one statement only
  const over = new AbortController();
  const timer = clock.sleep(limit, AbortSignal.any([signal, over.signal])).then(
    () => 'late' as const,
    () => 'over' as const,
  );
  try {
    const rows = await Promise.race([session.query(text), timer]);
    if (rows === 'late') return `${run.path} did not end within ${limit / 1000} s`;
    if (rows !== 'over') for (const row of rows) output.add(Buffer.from(`${JSON.stringify(row)}\n`));
    return undefined;
  } catch (error) {
    throw new LarderError('VERIFICATION_FAILED', `${run.path}: ${toLarderError(error).message}`, {
      cause: error,
    });
  } finally {
    over.abort();
  }
}
