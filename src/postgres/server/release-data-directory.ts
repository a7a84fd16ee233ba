import { readdir, readFile, readlink, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { LarderError, systemErrorCode } from '../../errors.ts';

const PATIENCE = 30_000;
const POLL_INTERVAL = 50;

/**
 * Makes a data directory of ours startable again after this process, the server or the machine was killed: ends a server
 * that still runs there, waits for its children, and removes a lock file whose process id now belongs to something else
 * than PostgreSQL. A lock that names a dead process is left to PostgreSQL, which looks at shared memory too. Throws
 * INSTANCE_FAILED when the server does not end.
 */
export async function releaseDataDirectory(dataDirectory: string, clock: Clock): Promise<void> {
  const lockFile = join(dataDirectory, 'postmaster.pid');
  const holder = await readLockHolder(lockFile);
  if (holder === undefined) return;
  if ((await processesIn(dataDirectory)).includes(holder)) killIfThere(holder, 'SIGINT');
  const deadline = clock.monotonic() + PATIENCE;
  while ((await processesIn(dataDirectory)).length > 0) {
    if (clock.monotonic() > deadline) {
      throw new LarderError('INSTANCE_FAILED', `a PostgreSQL server still runs in ${dataDirectory}`, {
        hint: `Stop it (kill -INT ${String(holder)}) and try again.`,
      });
    }
    await clock.sleep(POLL_INTERVAL);
  }
  if (await isOtherProgram(holder)) await rm(lockFile, { force: true });
}

/** The process id in the text of `postmaster.pid`; `undefined` when its first line is none. */
export function parseLockHolder(text: string): number | undefined {
  const pid = Number.parseInt(text, 10);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

async function readLockHolder(lockFile: string): Promise<number | undefined> {
  try {
    return parseLockHolder(await readFile(lockFile, 'utf8'));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Every process of PostgreSQL works in its data directory. Empty where there is no /proc. */
async function processesIn(dataDirectory: string): Promise<number[]> {
  const directory = await realpath(dataDirectory);
  const entries = await readdir('/proc').catch(() => []);
  const pids = entries.filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const cwd = await readlink(`/proc/${String(pid)}/cwd`).catch(() => undefined);
      return cwd === directory && (await isPostgres(pid));
    }),
  );
  return pids.filter((_, index) => found[index]);
}

async function isPostgres(pid: number): Promise<boolean> {
  const status = await readProcessStatus(pid);
  return status !== undefined && isPostgresStatus(status);
}

/** Also a zombie, which stays where no init process collects it, as in many containers: PostgreSQL takes it for alive. */
async function isOtherProgram(pid: number): Promise<boolean> {
  const status = await readProcessStatus(pid);
  return status !== undefined && !isPostgresStatus(status);
}

/** Whether the text of `/proc/<pid>/status` is that of a PostgreSQL process that has not ended. */
export function isPostgresStatus(status: string): boolean {
  return /^Name:\tpostgres$/m.test(status) && !/^State:\t[ZX]/m.test(status);
}

async function readProcessStatus(pid: number): Promise<string | undefined> {
  return readFile(`/proc/${String(pid)}/status`, 'utf8').catch(() => undefined);
}

function killIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (systemErrorCode(error) !== 'ESRCH') throw error;
  }
}
