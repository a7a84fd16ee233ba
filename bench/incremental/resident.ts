import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import packageFile from '../../package.json' with { type: 'json' };
import type { Task } from '../../src/jobs/job.ts';
import { measureSessions, type Measurement } from '../measure.ts';
import { addedBytesOf, assertIncremental, backupsIn, larderEnvironment } from '../peers/larder.ts';
import { residentBytes } from '../process-tree.ts';
import type { Bench, BenchServer } from '../server.ts';
import type { Contender } from './contender.ts';
import type { ResidentAnswer } from './resident-larder.ts';

export const IN_SERVICE = 'Larder, in its service';

/** As `scripts/larder` starts Larder. */
const FLAGS = [
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=4',
  '--heap-growing-percent=50',
];
const ALLOCATOR = {
  MALLOC_MMAP_THRESHOLD_: '67108864',
  MALLOC_TRIM_THRESHOLD_: '268435456',
  MALLOC_ARENA_MAX: '4',
};

/** Larder as a service that runs already, and has taken backups before: what a scheduled backup takes. */
export async function residentLarder(
  { signal }: Bench,
  server: BenchServer,
): Promise<Contender & AsyncDisposable> {
  const directory = join(server.home.directory, 'larder-service');
  await mkdir(directory, { mode: 0o700 });
  const environment = larderEnvironment(server, directory);
  const child = fork(join(import.meta.dirname, 'resident-larder.ts'), {
    execArgv: FLAGS,
    env: { PATH: process.env['PATH'], ...ALLOCATOR, ...environment },
    cwd: directory,
    signal,
  });
  child.on('error', () => undefined);
  const exited = once(child, 'exit');
  const ask = async (task: Task): Promise<ResidentAnswer> => {
    child.send(task);
    const ended = exited.then(() => Promise.reject(new Error('the resident Larder has ended')));
    const [answer] = (await Promise.race([once(child, 'message'), ended])) as [ResidentAnswer];
    if (answer.failure !== undefined) throw new Error(`the resident Larder's run ended as ${answer.failure}`);
    return answer;
  };
  return {
    name: IN_SERVICE,
    version: packageFile.version,
    begin: async () => {
      await ask('backup_full');
    },
    ready: async () => Promise.resolve(),
    backup: async (): Promise<Measurement> => {
      const [{ wallSeconds, cpuSeconds }, serverCpuSeconds] = await measureSessions(server.processId, () =>
        ask('backup_incremental'),
      );
      assertIncremental((await backupsIn(environment.BACKUP_DIR)).at(-1));
      const peakBytes = residentBytes(child.pid ?? 0);
      return { wallSeconds, cpuSeconds: cpuSeconds + serverCpuSeconds, serverCpuSeconds, peakBytes };
    },
    addedBytes: async () => addedBytesOf(environment.BACKUP_DIR),
    [Symbol.asyncDispose]: async () => {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
