import { setTimeout as delay } from 'node:timers/promises';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../src/clock.ts';
import { findFreePort } from '../../../src/postgres/server/free-port.ts';
import { RunHistory } from '../../../src/scheduler/history.ts';
import type { RunRecord } from '../../../src/scheduler/run-record.ts';
import { startLarder, type LarderProcess } from '../larder-process.ts';
import type { TestServer } from '../postgres-server.ts';
import type { SeededRandom } from '../seeded-random.ts';

/** Docker's patience. */
const EXIT_WITHIN_MS = 10_000;
/** From its start to the end of its first backup and the verification of it, on a machine that is not idle. */
const LIFE_MS = 5_000;

/** A service of a server with a full backup every minute, which is started and ended again and again. */
export class ServiceKills {
  readonly #server: TestServer;
  readonly #directory: string;
  readonly #random: SeededRandom;
  /** What is wrong, a line each. */
  readonly problems: string[] = [];
  /** Milliseconds that the slowest orderly end took. */
  slowest = 0;

  constructor(server: TestServer, directory: string, random: SeededRandom) {
    this.#server = server;
    this.#directory = directory;
    this.#random = random;
  }

  /** Sends the signal at random moments of as many lives. */
  async kill(signal: 'SIGTERM' | 'SIGKILL', times: number): Promise<void> {
    for (let n = 0; n < times; n++) {
      const service = await this.#start();
      await delay(this.#random.below(LIFE_MS));
      const began = performance.now();
      service.signal(signal);
      const code = await service.exit;
      if (signal === 'SIGKILL') continue;
      const took = performance.now() - began;
      this.slowest = Math.max(this.slowest, took);
      // a signal before the program listens for it ends it as any other
      if (code !== 0 && code !== 130 && code !== null)
        this.problems.push(`exit code ${code}: ${service.stderr()}`);
      if (took > EXIT_WITHIN_MS) this.problems.push(`the end took ${took} ms`);
    }
  }

  /** Lets a last life run until nothing is left to do, and gives the history. */
  async finish(isOver: (runs: readonly RunRecord[]) => boolean): Promise<readonly RunRecord[]> {
    const service = await this.#start();
    const deadline = performance.now() + 150_000;
    while (!isOver(await this.runs())) {
      if (performance.now() > deadline) {
        this.problems.push(`the last life did not finish:\n${service.stdout().slice(-4000)}`);
        break;
      }
      await delay(250);
    }
    service.signal('SIGTERM');
    await service.exit;
    return this.runs();
  }

  async runs(): Promise<readonly RunRecord[]> {
    return (await RunHistory.open(join(this.#directory, 'larder-state'), systemClock)).runs();
  }

  /** Names of the backups that exist, by their directories. */
  async backups(): Promise<string[]> {
    const names = await readdir(join(this.#directory, 'backups')).catch(() => []);
    return names.filter((name) => /^(full|incremental)_backup_/.test(name)).sort();
  }

  async #start(): Promise<LarderProcess> {
    return startLarder(['daemon'], {
      cwd: this.#directory,
      env: {
        LARDER_VERIFY_LEVEL: 'objects',
        DATABASE_URL: this.#server.connection,
        LARDER_HTTP_PORT: String(await findFreePort()),
        LARDER_SCHEDULE_FULL: '* * * * *',
        LARDER_BACKUP_WORKERS: '1',
        // so that backups last as long as lives
        BACKUP_COMPRESSION: '17',
      },
    });
  }
}

/** Kills a service so often, and gives what is wrong afterwards. Prints what it saw. */
export async function killService(
  server: TestServer,
  directory: string,
  { signal, times, random }: { signal: 'SIGTERM' | 'SIGKILL'; times: number; random: SeededRandom },
): Promise<readonly string[]> {
  const kills = new ServiceKills(server, directory, random);
  await kills.kill(signal, times);
  const before = await kills.runs();
  const runs = await kills.finish((all) => {
    const since = all.slice(before.length);
    const made = since.find(({ task, result }) => task === 'backup_full' && result === 'success');
    return (
      made !== undefined &&
      since.some(
        ({ task, result, backupId }) =>
          task === 'verify' && result === 'success' && backupId === made.backupId,
      )
    );
  });
  const results = Map.groupBy(runs, ({ task, result }) => `${task} ${result ?? 'without end'}`);
  process.stdout.write(
    `${times} ${signal}, seed ${random.seed}: ${[...results].map(([name, all]) => `${all.length} ${name}`).join(', ')}; slowest end ${Math.round(kills.slowest)} ms\n`,
  );
  const bad = runs.filter(
    ({ result }) => result === undefined || result === 'failure' || result === 'timeout',
  );
  const stored = await kills.backups();
  const lost = runs
    .filter(({ task, result }) => task === 'backup_full' && result === 'success')
    .filter(({ backupId = '' }) => !stored.includes(backupId));
  return [
    ...kills.problems,
    ...bad.map((run) => `${run.task} ended as ${run.result ?? 'nothing'}: ${run.errorMessage ?? ''}`),
    ...lost.map(({ backupId }) => `${backupId ?? ''} is gone`),
  ].map((problem) => `seed ${random.seed}: ${problem}`);
}
