import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chooseInstanceUser } from '../../../src/postgres/server/instance-user.ts';
import { decodeRun } from '../../../src/scheduler/run-record.ts';
import {
  makeCopyHome,
  makeScratch,
  objectsOf,
  repositoryAt,
  startCopy,
} from '../../support/backup-runner.ts';
import type { Scratch } from '../../support/backup-runner.ts';
import { expectSameContents } from '../../support/comparison.ts';
import type { Ended } from '../../support/larder-command.ts';
import { larder } from '../../support/larder-command.ts';
import type { TestServer } from '../../support/postgres-server.ts';
import { startServer } from '../../support/postgres-server.ts';
import { addTablespace, fillVaried } from '../../support/varied-cluster.ts';

const PASSWORD = 's3cret-in-url';

interface BackupJson {
  id: string;
  startLsn: string;
  stopLsn: string;
}

describe.each([15, 18] as const)('the command line with PostgreSQL %i', (major) => {
  let scratch: Scratch;
  let server: TestServer;
  let tablespace: number;
  let environment: Record<string, string>;
  let backup: BackupJson;
  const outputs: Ended[] = [];

  beforeAll(async () => {
    scratch = await makeScratch();
    server = await startServer({ major, tcp: true });
    await fillVaried(server);
    await server.query(`CREATE ROLE larder LOGIN REPLICATION PASSWORD '${PASSWORD}'`);
    tablespace = await addTablespace(server, 'fast', join(scratch.path, 'original'));
    environment = {
      DATABASE_URL: server.urlFor({ user: 'larder', password: PASSWORD }),
      BACKUP_DIR: join(scratch.path, 'backups'),
      LARDER_STATE_DIR: join(scratch.path, 'state'),
    };
  }, 120_000);
  afterAll(async () => {
    await server.stop();
    await scratch[Symbol.asyncDispose]();
  });

  async function run(args: readonly string[], changes: Record<string, string> = {}): Promise<Ended> {
    const ended = await larder(args, { ...environment, ...changes }, scratch.path);
    outputs.push(ended);
    return ended;
  }

  async function history() {
    const text = await readFile(join(scratch.path, 'state/runs.jsonl'), 'utf8');
    return text.split('\n').flatMap((line) => decodeRun(line) ?? []);
  }

  test('checks server, repository and host, and writes nothing that stays', async () => {
    const { code, stdout, stderr } = await run(['check']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^ok +replication connection +PostgreSQL/m);
    expect(stdout).toMatch(/^ok +repository +none at .* yet/m);
    expect(stdout).toMatch(/^ok +write and read back/m);
    expect(stdout).toMatch(/^ok +server programs +PostgreSQL/m);
    expect(stdout).toMatch(/\d+ checks: .* 0 errors/);
    expect(stdout).not.toContain('\u001b');
    expect(await objectsOf(repositoryAt(environment['BACKUP_DIR']!))).toEqual([]);
    const rows = JSON.parse((await run(['check', '--json'])).stdout) as { name: string; state: string }[];
    expect(rows.find(({ name }) => name === 'connection')).toMatchObject({ state: 'ok' });
  }, 30_000);

  test('finds no repository before the first backup, and says how to begin one', async () => {
    const { code, stderr } = await run(['list']);
    expect(code).toBe(4);
    expect(stderr).toContain('larder backup');
  });

  test('takes a backup, shows its progress on stderr and its facts on stdout, and keeps the run on record', async () => {
    const { code, stdout, stderr } = await run(['backup', '--full', '--json']);
    expect(code).toBe(0);
    backup = JSON.parse(stdout) as BackupJson;
    expect(backup).toMatchObject({ type: 'full', state: 'complete', warnings: [], cluster: 'postgres' });
    expect(backup).not.toHaveProperty('objects');
    expect(stderr).toMatch(/^connecting\n/);
    expect(await history()).toMatchObject([
      { task: 'backup_full', reason: 'manual', cluster: 'postgres' },
      { result: 'success', backupId: backup.id },
    ]);
    const second = await run(['backup']);
    for (const name of ['backup', 'builds on', 'source', 'stored', 'WAL', 'took', 'rate']) {
      expect(second.stdout).toMatch(new RegExp(`^${name} +\\S`, 'm'));
    }
  }, 60_000);

  test('lists what there is, for people and for programs', async () => {
    const table = (await run(['list'])).stdout.split('\n');
    expect(table[0]).toMatch(/^ID +TYPE +STARTED +TOOK +SOURCE +STORED +WAL +ROLLS FORWARD TO +STATE$/);
    expect(table[1]).toContain(`${backup.startLsn} - ${backup.stopLsn}  its own end       complete`);
    expect(table).toHaveLength(4);
    const json = JSON.parse((await run(['list', '--json'])).stdout) as { backups: BackupJson[] };
    expect(json).toMatchObject({ unreadable: [], repository: environment['BACKUP_DIR'] });
    expect(json.backups[0]).toMatchObject({ id: backup.id, tablespaces: [{ oid: tablespace }] });
    const details = (await run(['list', backup.id])).stdout;
    expect(details).toContain(`${tablespace} at ${join(scratch.path, 'original')}`);
    expect(details).toContain(`${backup.id}/manifest`);
    expect(JSON.parse((await run(['list', backup.id, '--json'])).stdout)).toHaveProperty('objects');
  }, 30_000);

  test('verifies what is stored', async () => {
    const { code, stdout } = await run(['verify', backup.id, '--level', 'objects']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^findings +none$/m);
  }, 30_000);

  test('restores from the repository alone, and says truly how to go on', async () => {
    const home = await makeCopyHome();
    const owner = await chooseInstanceUser();
    const args = [
      ...['restore', backup.id, '--repository', environment['BACKUP_DIR']!, '--to-dir', home.dataDirectory],
      ...['--tablespace', `${tablespace}=${join(scratch.path, 'copy')}`],
      ...(owner === undefined ? [] : ['--owner', owner.name]),
    ];
    const dry = await larder([...args, '--dry-run'], {}, scratch.path);
    expect(dry.code).toBe(0);
    expect(dry.stdout).toContain(`LSN ${backup.stopLsn}`);
    expect(dry.stdout).toMatch(/^changes +archiving off/m);
    expect(existsSync(home.dataDirectory)).toBe(false);
    const { code, stdout, stderr } = await larder(args, {}, scratch.path);
    expect({ code, stderr: stderr.includes('larder:') }).toEqual({ code: 0, stderr: false });
    expect(stdout).toMatch(new RegExp(`pg_ctl --pgdata=${home.dataDirectory} --log=\\S+ start`));
    expect((await run([...args, '--json'])).code).toBe(6);
    await using copy = await startCopy(home, major);
    await expectSameContents(server.connection, copy.connection);
  }, 90_000);

  test('takes an empty place for a lost volume once a backup was stored there, unless told otherwise', async () => {
    const backups = environment['BACKUP_DIR']!;
    await rename(backups, `${backups}.unmounted`);
    const refused = await run(['backup']);
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain('--new-repository');
    expect(existsSync(backups)).toBe(false);
    expect((await run(['check'])).code).toBe(4);
    expect((await history()).at(-1)).toMatchObject({ result: 'failure', errorCode: 'REPOSITORY_MISSING' });
    expect((await run(['backup', '--new-repository'])).code).toBe(0);
  }, 60_000);

  test('names what is damaged, and ends with 7', async () => {
    const pack = join(`${environment['BACKUP_DIR']!}.unmounted`, backup.id, 'data-00001.pack');
    const file = await open(pack, 'r+');
    await file.write(Buffer.from('damage'), 0, 6, 2000);
    await file.close();
    const repository = ['--repository', `${environment['BACKUP_DIR']!}.unmounted`];
    const { code, stdout, stderr } = await run([
      'verify',
      backup.id,
      '--level',
      'objects',
      '--json',
      ...repository,
    ]);
    expect(code).toBe(7);
    const report = JSON.parse(stdout) as { findings: { object?: string; message: string }[] };
    expect(JSON.stringify(report.findings)).toContain('data-00001.pack');
    expect(JSON.parse(stderr.trim().split('\n').at(-1)!)).toMatchObject({
      error: { code: 'VERIFICATION_FAILED' },
    });
    const text = await run(['verify', backup.id, '--level', 'objects', ...repository]);
    expect(text.stdout).toContain('data-00001.pack');
  }, 30_000);

  test('never shows the password', () => {
    expect(outputs.length).toBeGreaterThan(10);
    for (const { stdout, stderr } of outputs) expect(stdout + stderr).not.toContain(PASSWORD);
  });

  test('has written who did what into the audit trail, and finds it unbroken', async () => {
    const owner = (await chooseInstanceUser())?.name;
    const place = ['--to-dir', join(scratch.path, 'audited'), '--tablespace'];
    // the others were damaged above
    const fresh = JSON.parse((await run(['backup', '--full', '--json'])).stdout) as BackupJson;
    const restore = ['restore', fresh.id, ...place, `${tablespace}=${join(scratch.path, 'audited-space')}`];
    expect(await run([...restore, ...(owner === undefined ? [] : ['--owner', owner])])).toMatchObject({
      code: 0,
    });
    const { stdout } = await run(['audit', 'list', '--json']);
    const { records } = JSON.parse(stdout) as {
      records: { actor: string; action: string; subject: string }[];
    };
    expect(records[0]).toMatchObject({ action: 'backup', subject: backup.id });
    expect(records.every(({ actor }) => actor.startsWith('user:'))).toBe(true);
    expect(records.some(({ action }) => action === 'restore')).toBe(true);
    expect((await run(['audit', 'list'])).stdout).toContain(backup.id);
    expect(await run(['audit', 'verify'])).toMatchObject({ code: 0 });
    const path = join(scratch.path, 'state/audit.jsonl');
    await writeFile(path, (await readFile(path, 'utf8')).replace(backup.id, 'full_backup_other'));
    const broken = await run(['audit', 'verify']);
    expect(broken.code).toBe(7);
    expect(broken.stdout).toContain('line 1 is not the record that was written');
  }, 30_000);
});
