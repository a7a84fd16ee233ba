import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { clusterParts } from '../../../src/cluster-parts.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { readFileWithMode } from '../../../src/config/read-file.ts';
import { retentionJob } from '../../../src/jobs/retention.ts';
import type { JobOutcome } from '../../../src/jobs/job.ts';
import { readProcessIdentity } from '../../../src/process-identity.ts';
import { pruneRequest } from '../../../src/prune-request.ts';
import { RunHistory } from '../../../src/scheduler/history.ts';
import { failureOf, makeScratch, type Scratch } from '../../support/backup-runner.ts';
import { larder, type Ended } from '../../support/larder-command.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';
import { clockAt } from '../../support/retention/prune-aged.ts';

let scratch: Scratch;
let server: TestServer;
let environment: Record<string, string>;
let id: string;

beforeAll(async () => {
  scratch = await makeScratch();
  server = await startServer({ major: 18 });
  environment = {
    DATABASE_URL: server.connection,
    BACKUP_DIR: join(scratch.path, 'backups'),
    LARDER_STATE_DIR: join(scratch.path, 'state'),
  };
  id = (JSON.parse((await run('backup', '--json')).stdout) as { id: string }).id;
}, 60_000);
afterAll(async () => {
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});

const run = (...words: string[]): Promise<Ended> => larder(words, environment, scratch.path);

/** The job as the service runs it, with a clock that is off by so many milliseconds. */
async function runJob(skew: number): Promise<JobOutcome> {
  const config = await loadConfig({
    environment,
    workingDirectory: scratch.path,
    readFile: readFileWithMode,
  });
  const clock = clockAt(new Date(Date.now() + skew).toISOString());
  const history = await RunHistory.open(config.stateDirectory, clock);
  const request = pruneRequest(clusterParts(config.clusters[0]!), { history, clock });
  const job = retentionJob({ request, clock, processIdentity: readProcessIdentity() });
  return job.run({ runId: 'x', signal: new AbortController().signal, progress: () => undefined });
}

test('a dry run tells of each backup why it is kept, and a run leaves it', async () => {
  const shown = await run('prune', '--dry-run');
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(shown.stdout).toMatch(new RegExp(`${id} .* keep .*the newest good backup.*`));
  const plan = JSON.parse((await run('prune', '--dry-run', '--json')).stdout) as {
    backups: { id: string; keep: boolean; reasons: { kind: string; text: string }[] }[];
    bytes: object;
  };
  expect(plan.backups).toMatchObject([{ id, keep: true }]);
  expect(plan.backups[0]?.reasons.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['days', 'week', 'month', 'year', 'newest', 'floor']),
  );
  expect(plan.bytes).toEqual({ all: 0, now: 0 });
  const done = await run('prune');
  expect(done).toMatchObject({ code: 0 });
  expect(done.stdout).toMatch(/kept +1 backup\nremoved +0 backups/);
});

test('a hold is placed, listed and released, and everybody sees who did', async () => {
  expect(await run('hold', 'latest', '--until', '2001-01-01', '--reason', 'x')).toMatchObject({ code: 2 });
  expect(await run('hold', id, '--until', '90d')).toMatchObject({ code: 2 });
  expect(
    await run('hold', 'full_backup_postgres_20010101_000000', '--until', '90d', '--reason', 'x'),
  ).toMatchObject({
    code: 4,
  });
  const placed = await run('hold', 'latest', '--until', '2999-01-01', '--reason', 'tax audit');
  expect(placed).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`${id} is held until 2999-01-01`),
  });
  expect((await run('list')).stdout).toContain('complete, held until 2999-01-01 00:00:00 UTC (tax audit)');
  expect((await run('prune', '--dry-run')).stdout).toContain('held until 2999-01-01 00:00 UTC: tax audit');
  expect((await run('hold', '--list')).stdout).toMatch(/holds .*tax audit/);
  expect(await run('release', id, '--reason', 'over')).toMatchObject({ code: 0 });
  expect(await run('release', id)).toMatchObject({ code: 2 });
  expect((await run('hold', '--list')).stdout).toMatch(/released .*tax audit .*: over/);
  expect((await run('list')).stdout).not.toContain('held');
  const trail = (await run('audit', 'list')).stdout;
  for (const action of ['hold', 'release']) expect(trail).toMatch(new RegExp(`user:\\S+ +${action} `));
});

test('nothing is removed by a clock that is more than five minutes off', async () => {
  await runJob(0);
  await runJob(4 * 60_000);
  for (const skew of [6 * 60_000, -6 * 60_000])
    expect((await failureOf(runJob(skew))).code).toBe('CLOCK_SKEWED');
});

test('nothing is removed where the server cannot be asked, unless the user says so, nor after a failed backup', async () => {
  await server.halt();
  const silent = await run('prune');
  expect([silent.code, silent.stderr]).toEqual([3, expect.stringContaining('--without-server')]);
  expect(await run('prune', '--without-server')).toMatchObject({ code: 0 });
  expect(await run('backup')).toMatchObject({ code: 3 });
  const refused = await run('prune', '--without-server', '--json');
  expect(refused.code).toBe(10);
  expect(JSON.parse(refused.stderr)).toMatchObject({ error: { code: 'BACKUP_FAILING' } });
  expect((await run('prune', '--dry-run')).code).toBe(0);
  await server.restart();
  expect(await run('backup')).toMatchObject({ code: 0 });
  expect(await run('prune')).toMatchObject({ code: 0 });
});
