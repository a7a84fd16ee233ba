import { setTimeout as delay } from 'node:timers/promises';
import { fillCluster } from '../cluster.ts';
import { startFilled } from '../filled-server.ts';
import type { Bench, BenchServer } from '../server.ts';
import { layBackupsBefore } from './many-backups.ts';
import { idleService, type IdleService, type RunningService } from './service.ts';

export const IDLE_PARTS = ['idle'] as const;

/** What the service takes and how it answers, with thousands of backups in its repository. */
export interface IdleFindings {
  readonly backups: number;
  /** Of one core, 0 to 1. */
  readonly cpuRatio: number;
  readonly idleSeconds: number;
  /** At the end of that time. */
  readonly residentBytes: number;
  /** Milliseconds, each while a backup ran. */
  readonly answers: Readonly<Record<'/metrics' | '/health', readonly number[]>>;
  /** How many backups ran meanwhile. */
  readonly runs: number;
}

const BACKUPS = 5000;
/** Longer than the longest time between two looks through the repository, which cost the most. */
const IDLE_SECONDS = 660;
/** The first look through the repository, the first seal and whatever else a start brings. */
const SETTLE_SECONDS = 30;
const SCRAPE_INTERVAL = 15_000;
const CLUSTER_BYTES = 2e9;
const ASK_INTERVAL = 20;
const RUNNING = 'larder_job_running{cluster="postgres",task="backup_full"}';

/** Nothing else is to run, and nothing that was laid is to be taken for what it is not. */
const QUIET = { LARDER_SCHEDULE_VERIFY: 'none', LARDER_SCHEDULE_RETENTION: 'none' };

export async function measureIdle(
  bench: Bench,
  { rounds, report }: { readonly rounds: number; readonly report: (line: string) => void },
): Promise<IdleFindings> {
  await using server = await startFilled(bench, {
    what: 'the service',
    fill: async (empty) => fillCluster(empty, CLUSTER_BYTES),
    settings: { archive_mode: 'off' },
    report,
  });
  const service = await idleService(bench, server);
  await service.command('backup');
  report(`laying ${BACKUPS} backups before it`);
  await layBackupsBefore(service.repository, BACKUPS);
  const idle = await beIdle(bench, service);
  report(
    `idle: ${(idle.cpuRatio * 100).toFixed(2)} % of a core, ${(idle.residentBytes / 2 ** 20).toFixed(0)} MiB`,
  );
  const answers = await askDuringBackups(server, service, rounds);
  return { backups: BACKUPS, idleSeconds: IDLE_SECONDS, runs: rounds, answers, ...idle };
}

/** An idle server, its log received, and a scrape every 15 seconds. */
async function beIdle(
  { signal }: Bench,
  service: IdleService,
): Promise<Pick<IdleFindings, 'cpuRatio' | 'residentBytes'>> {
  const running = await service.start(QUIET);
  const { background } = running;
  try {
    await delay(SETTLE_SECONDS * 1000, undefined, { signal });
    const [cpu, begun] = [background.cpuSeconds(), performance.now()];
    for (let scrape = 0; scrape < (IDLE_SECONDS * 1000) / SCRAPE_INTERVAL; scrape++) {
      await delay(SCRAPE_INTERVAL, undefined, { signal });
      await running.metric(RUNNING);
    }
    const cpuRatio = (background.cpuSeconds() - cpu) / ((performance.now() - begun) / 1000);
    const residentBytes = (await running.metric('process_resident_memory_bytes')) ?? 0;
    await background.stop();
    return { cpuRatio, residentBytes };
  } catch (error) {
    await background.kill();
    throw error;
  }
}

/** One scrape and one probe every 20 ms, from the beginning of each backup to its end. */
async function askDuringBackups(
  server: BenchServer,
  service: IdleService,
  rounds: number,
): Promise<IdleFindings['answers']> {
  const answers: Record<'/metrics' | '/health', number[]> = { '/metrics': [], '/health': [] };
  await server.settle();
  const running = await service.start({ ...QUIET, LARDER_SCHEDULE_FULL: '* * * * *' });
  try {
    for (let round = 0; round < rounds; round++) {
      await running.until(RUNNING, (value) => value === 1);
      await askWhileRunning(running, answers);
    }
    await running.background.stop();
    return answers;
  } catch (error) {
    await running.background.kill();
    throw error;
  }
}

async function askWhileRunning(
  running: RunningService,
  answers: Record<'/metrics' | '/health', number[]>,
): Promise<void> {
  while ((await running.metric(RUNNING)) === 1) {
    answers['/metrics'].push(await running.timed('/metrics'));
    answers['/health'].push(await running.timed('/health'));
    await delay(ASK_INTERVAL);
  }
}
