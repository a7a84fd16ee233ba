import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../../src/clock.ts';
import { proofRecords } from '../../../src/cluster-report.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { readFileWithMode } from '../../../src/config/read-file.ts';
import { recordProof } from '../../../src/report/record-proof.ts';
import { strategyReportSchema, type StrategyReport } from '../../../src/report/strategy-report.ts';
import { makeScratch, repositoryAt, type Scratch } from '../../support/backup-runner.ts';
import { larder, type Ended } from '../../support/larder-command.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';
import { drillReport } from '../../support/proof-reports.ts';
import { lsnOf, startReceiver } from '../../support/wal-receiver.ts';

let scratch: Scratch;
let server: TestServer;
let environment: Record<string, string>;
let ids: string[];

beforeAll(async () => {
  scratch = await makeScratch();
  server = await startServer({ major: 17, walSegmentSizeMb: 1 });
  environment = {
    DATABASE_URL: server.connection,
    BACKUP_DIR: join(scratch.path, 'backups'),
    LARDER_STATE_DIR: join(scratch.path, 'state'),
    LARDER_REPORT_PRICE_PER_GB_MONTH: '0.023 USD',
  };
  const backup = async (): Promise<string> =>
    (JSON.parse((await run('backup', '--json')).stdout) as { id: string }).id;
  const first = await backup();
  const repository = repositoryAt(environment['BACKUP_DIR']!);
  const receiver = startReceiver(repository, {
    connection: server.connection,
    spool: join(scratch.path, 'spool'),
  });
  await server.query('CREATE TABLE t (a int)');
  const [row] = await server.query('SELECT pg_switch_wal()::text AS lsn');
  await receiver.stored(lsnOf(row?.['lsn']));
  ids = [first, await backup()];
  await receiver.stop();
  await server.halt();
}, 120_000);
afterAll(async () => {
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});

const run = (...words: string[]): Promise<Ended> => larder(words, environment, scratch.path);

async function reportOf(...words: string[]): Promise<StrategyReport> {
  const { code, stdout, stderr } = await run('report', '--json', ...words);
  expect([code, stderr]).toEqual([0, '']);
  return strategyReportSchema.parse(JSON.parse(stdout));
}

test('tells what is there, without service and server, and what was never proven', async () => {
  const report = await reportOf();
  expect(report.cluster).toBe('postgres');
  expect(report.recovery?.backups.map(({ id, type, state }) => [id, type, state])).toEqual([
    [ids[0], 'full', 'good'],
    [ids[1], 'incremental', 'good'],
  ]);
  expect(report.recovery?.windows[0]).toMatchObject({ backup: ids[0] });
  expect(report.recovery?.sentence).toMatch(/^Any second between .* can be restored to\.$/);
  expect(report.unknown).toEqual([]);
  expect(report.verdict.status).toBe('attention');
  expect(report.verdict.reasons.map(({ text }) => text)).toEqual(
    expect.arrayContaining(['no backup was ever proven by a restore', 'RTO: no drill was ever made']),
  );
  expect(report.objectives.rpo).toMatchObject({ met: true, targetSeconds: 86_400 });
  expect(report.storage?.parts.map(({ name, bytes }) => [name, bytes > 0])).toEqual([
    ['full backups', true],
    ['incremental backups', true],
    ['transaction log', true],
    ['unfinished', false],
    ['other records', true],
  ]);
  expect(report.cost).toMatchObject({ currency: 'USD', pricePerGbMonth: 0.023 });
  expect(report.schedule?.map(({ task }) => task)).toContain('backup_full');
  expect(report.runs?.tasks).toContainEqual(
    expect.objectContaining({ task: 'backup_incremental', succeeded: 2 }),
  );
});

test('a drill that was put on record is in it, and the audit trail vouches for its file', async () => {
  const config = await loadConfig({
    environment,
    workingDirectory: scratch.path,
    readFile: readFileWithMode,
  });
  const records = proofRecords(config, 'postgres', { actor: 'schedule', clock: systemClock });
  const began = new Date().toISOString();
  expect(await recordProof(drillReport({ backup: ids[1]!, began }), records)).toEqual([]);
  const report = await reportOf();
  expect(report.proofs).toMatchObject([{ time: began, isDrill: true, backup: ids[1] }]);
  expect(report.objectives.rto).toMatchObject({ met: true, last: { seconds: 35 } });
  expect(report.recovery?.backups.map(({ proof }) => proof)).toEqual(['none', 'proven']);
  expect(await readFile(join(scratch.path, 'docs/backup-test-results.md'), 'utf8')).toContain(ids[1]);
  const verified = await run('audit', 'verify');
  expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining('1 report as written') });
  const { records: trail } = JSON.parse((await run('audit', 'list', '--json')).stdout) as {
    records: { action: string; subject: string }[];
  };
  const file = join(config.report.directory, trail.find(({ action }) => action === 'report')!.subject);
  const before = await readFile(file, 'utf8');
  await writeFile(file, before.replace('"verified"', '"failed"'));
  const changed = await run('audit', 'verify');
  expect(changed.code).toBe(7);
  expect(changed.stdout).toMatch(/^report \d{8}_\d{6}\.json is not as it was written$/m);
  await writeFile(file, before);
}, 60_000);

test('of a repository alone it says that nobody knows what is wanted', async () => {
  const report = await reportOf('--repository', 'backups');
  expect(report).toMatchObject({
    cluster: null,
    verdict: { status: 'unknown' },
    schedule: null,
    retention: null,
  });
  expect(report.unknown).toHaveLength(1);
  expect(report.recovery?.backups).toHaveLength(2);
  expect((await run('report', '--repository', 'nothing')).code).toBe(4);
}, 60_000);

test('a repository that is not where it was is not known to be empty', async () => {
  const place = environment['BACKUP_DIR']!;
  await rename(place, `${place}.away`);
  await mkdir(place);
  const report = await reportOf();
  expect(report).toMatchObject({ verdict: { status: 'unknown' }, recovery: null, storage: null });
  expect(report.unknown.length).toBeGreaterThan(3);
  await rename(`${place}.away`, place);
}, 60_000);

test('the page and the text say the same first', async () => {
  const text = await run('report');
  expect(text).toMatchObject({ code: 0, stdout: expect.stringMatching(/^postgres: ATTENTION\. /) });
  expect(text.stdout).toContain(ids[0]);
  const page = await run('report', '--html', 'report.html');
  expect(page).toMatchObject({ code: 0, stdout: 'report.html: attention\n' });
  const written = await readFile(join(scratch.path, 'report.html'), 'utf8');
  expect(written).toContain('class="verdict is-attention"');
  expect(written).toContain(ids[0]);
}, 60_000);

test('a page that cannot be written is an error, and so is a number of days that is none', async () => {
  expect((await run('report', '--html', 'no/such/place.html')).code).toBe(2);
  expect((await run('report', '--days', 'x')).code).toBe(2);
}, 60_000);
