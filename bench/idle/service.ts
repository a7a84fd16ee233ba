import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findFreePort } from '../../src/postgres/server/free-port.ts';
import { startBackground, type Background } from '../background.ts';
import { run } from '../child.ts';
import type { Bench, BenchServer } from '../server.ts';

const PATIENCE = 300_000;

/** The service as its users run it: installed, in a directory of its own. From its sources it takes 50 MiB more. */
export interface IdleService {
  readonly repository: string;
  /** One command in the same configuration. */
  command(...args: readonly string[]): Promise<void>;
  start(environment: Readonly<Record<string, string>>): Promise<RunningService>;
}

export interface RunningService {
  readonly background: Background;
  /** Milliseconds until the whole answer was there. Throws unless it is one of success. */
  readonly timed: (path: '/metrics' | '/health') => Promise<number>;
  /** The value of a series by the beginning of its line; undefined where it is not there. */
  readonly metric: (series: string) => Promise<number | undefined>;
  /** Resolves once the metric is as wanted. Throws when the service ends before, or after five minutes. */
  readonly until: (series: string, isWanted: (value: number) => boolean) => Promise<void>;
}

export async function idleService(bench: Bench, server: BenchServer): Promise<IdleService> {
  const directory = join(server.home.directory, 'larder-idle');
  const repository = join(directory, 'backups');
  await mkdir(directory, { mode: 0o700 });
  const port = await findFreePort();
  const common = {
    DATABASE_URL: server.connection,
    BACKUP_DIR: repository,
    LARDER_STATE_DIR: join(directory, 'state'),
    LARDER_HTTP_PORT: String(port),
    HOME: directory,
  };
  const command = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) => ({
    program: bench.larder,
    args,
    environment: { ...common, ...environment },
    user: undefined,
    signal: bench.signal,
  });
  return {
    repository,
    command: async (...args) => {
      await run(command(args));
    },
    start: async (environment) => {
      const service = running(startBackground(command(['daemon'], environment)), port);
      await service.until('larder_repo_last_check_timestamp_seconds', (time) => time > 0);
      return service;
    },
  };
}

function running(background: Background, port: number): RunningService {
  const get = async (path: string): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    return text;
  };
  const metric = async (series: string): Promise<number | undefined> => {
    const line = (await get('/metrics')).split('\n').find((text) => text.startsWith(series));
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  };
  return {
    background,
    metric,
    timed: async (path) => {
      const begun = performance.now();
      await get(path);
      return performance.now() - begun;
    },
    until: async (series, isWanted) => {
      const deadline = performance.now() + PATIENCE;
      for (;;) {
        await background.assertRunning();
        const value = await metric(series).catch(() => undefined);
        if (value !== undefined && isWanted(value)) return;
        if (performance.now() > deadline) throw new Error(`${series} is still ${value}`);
        await delay(100);
      }
    },
  };
}
