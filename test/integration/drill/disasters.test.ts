import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { chmod, mkdir, open, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DrillReport } from '../../../src/verify/proof-report.ts';
import { backUp, repositoryAt, verify } from '../../support/backup-runner.ts';
import { damage } from '../../support/log-damage/damages.ts';
import { larder } from '../../support/larder-command.ts';
import { makeDrillBed, type DrillBed } from '../../support/drills/drill-bed.ts';
import { holdDrill } from '../../support/drills/hold-drill.ts';

let bed: DrillBed;
let scratch: string;

beforeAll(async () => {
  bed = await makeDrillBed(18);
  scratch = join(bed.scratch.path, 'drills');
  await mkdir(scratch);
  await chmod(scratch, 0o755);
}, 60_000);
afterAll(async () => bed[Symbol.asyncDispose]());
afterEach(async () => {
  expect(await readdir(scratch)).toEqual([]);
});

test('loss of the database host: the repository alone brings everything back that was stored', async () => {
  const repository = await bed.copy('host-lost');
  const { code, report } = await holdDrill(['--scenario', 'host_loss', '--repository', repository], scratch);
  expect(report).toMatchObject({
    scenario: 'host_loss',
    backup: bed.backups[1]!.id,
    target: 'the newest point',
    passedOver: [],
    met: true,
  });
  expect(code).toBe(0);
  expectEverything(report);
  expect(report.phases.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['plan', 'restore', 'start and replay', 'check']),
  );
}, 90_000);

test('accidental deletion: restored to just before a table was dropped', async () => {
  const repository = await bed.copy('dropped');
  const application = await writeConfig('dropped', repository, 'SELECT count(*) AS rows FROM payments');
  const args = ['--scenario', 'accidental_deletion', '--target-time', bed.beforeDrop];
  const { code, report } = await holdDrill(args, scratch, application);
  expect(report).toMatchObject({ lostSeconds: 0, met: true, backup: bed.backups[1]!.id });
  expect(report.applicationOutput).toBe('{"rows":"1"}\n');
  expect(code).toBe(0);
}, 90_000);

test('ransomware: backups that were tampered with are found, and an older one that is whole is rolled forward', async () => {
  const repository = await bed.copy('tampered');
  const [clean, newest] = bed.backups;
  await damage(join(repository, newest!.id, 'data-00001.pack'), 'flipped');
  const found = await verify(repositoryAt(repository), newest!);
  expect(found.findings[0]).toMatchObject({ code: 'OBJECT_DAMAGED' });
  const args = ['--scenario', 'ransomware', '--repository', repository];
  const { code, report } = await holdDrill(args, scratch);
  expect(report).toMatchObject({ backup: clean!.id, passedOver: [{ backup: newest!.id }], met: true });
  expect(code).toBe(0);
  expectEverything(report);
}, 90_000);

test('loss of the primary repository: another one by its directory brings the same back', async () => {
  const second = await bed.copy('second-site');
  const config = await writeConfig('repository-lost', join(bed.scratch.path, 'gone'), undefined, second);
  const refused = await larder(['drill', '--scenario', 'repository_loss'], config);
  expect(refused).toMatchObject({ code: 2 });
  const args = ['--scenario', 'repository_loss', '--repository', 'second-site'];
  const { code, report } = await holdDrill(args, scratch, config);
  expect(report).toMatchObject({ repository: second, backup: bed.backups[1]!.id, met: true });
  expectEverything(report);
  expect(code).toBe(0);
}, 90_000);

// the last one: it damages the server
test('database corruption: a backup of damaged pages does not count, and the clean one before it is rolled forward', async () => {
  await damagePage('orders');
  const corrupt = await backUp(bed.repository, bed.server.connection);
  expect(corrupt.state).toBe('corrupt_source');
  const args = ['--scenario', 'database_corruption', '--repository', bed.repository.location.directory];
  const { code, report } = await holdDrill(args, scratch);
  expect(report).toMatchObject({ backup: bed.backups[1]!.id, passedOver: [], met: true });
  expect(report.remarks).toContain(
    `${corrupt.id} is newer, but the server had damaged pages when it was taken`,
  );
  expect(code).toBe(0);
}, 90_000);

/** Every transaction that was stored is in the copy. */
function expectEverything({ recoveredTo }: DrillReport): void {
  expect(Date.parse(recoveredTo ?? '')).toBeGreaterThanOrEqual(bed.beforeLast);
}

/** A configuration whose application check is a statement. */
async function writeConfig(
  name: string,
  repository: string,
  sql: string | undefined,
  secondSite?: string,
): Promise<Record<string, string>> {
  const [script, file] = [join(bed.scratch.path, `${name}.sql`), join(bed.scratch.path, `${name}.yaml`)];
  if (sql !== undefined) await writeFile(script, sql);
  const drill = {
    ...(sql === undefined ? {} : { application: { script } }),
    ...(secondSite === undefined ? {} : { 'second-site': secondSite }),
  };
  const truck = {
    connection: 'postgresql://nobody@127.0.0.1:1/postgres',
    repository: { path: repository },
    drill,
  };
  await writeFile(
    file,
    JSON.stringify({ clusters: { truck }, state: join(bed.scratch.path, `${name}-state`) }),
  );
  return { LARDER_CONFIG: file };
}

/** Inverts some bytes of the table's first page on the disk. */
async function damagePage(table: string): Promise<void> {
  const [row] = await bed.server.query(`CHECKPOINT; SELECT pg_relation_filepath('${table}') AS path`);
  await bed.server.halt();
  const file = await open(join(bed.server.dataDirectory, String(row?.['path'])), 'r+');
  const bytes = Buffer.alloc(20);
  await file.read(bytes, 0, 20, 5000);
  await file.write(
    bytes.map((byte) => byte ^ 0xff),
    0,
    20,
    5000,
  );
  await file.close();
  await bed.server.restart();
}
