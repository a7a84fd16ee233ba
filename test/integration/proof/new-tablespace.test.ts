import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import { assertLogKeepsOut, assertMayMakeTablespaces } from '../../../src/restore/tablespaces/own-log.ts';
import { backUp, failureOf, makeScratch, repositoryAt, restoreInto } from '../../support/backup-runner.ts';
import type { Scratch, TestRepository } from '../../support/backup-runner.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';
import { prove } from '../../support/proof/prove.ts';
import { giveToServer } from '../../support/varied-cluster.ts';

let scratch: Scratch;
let server: TestServer;
let repository: TestRepository;

beforeAll(async () => {
  scratch = await makeScratch();
  repository = repositoryAt(join(scratch.path, 'backups'));
  server = await startServer({ major: 18, walSegmentSizeMb: 1 });
}, 60_000);
afterAll(async () => {
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});

/** A backup that waits, once it has begun, until a tablespace is made. */
async function backUpWhileMade(location: string): Promise<CommitRecord> {
  let made = false;
  const onProgress = ({ phase }: { phase: string }): void => {
    if (made || phase !== 'copying') return;
    made = true;
    querySynchronously(`CREATE TABLESPACE late LOCATION '${location}'`);
  };
  return backUp(repository, server.connection, { onProgress });
}

/** As an earlier release recorded it. */
function withoutList(backup: CommitRecord): CommitRecord {
  return { ...backup, madeTablespaces: undefined };
}

function querySynchronously(sql: string): void {
  const program = `
    import pg from 'pg';
    const client = new pg.Client({ connectionString: process.env.URL });
    await client.connect();
    await client.query(process.env.SQL);
    await client.end();`;
  execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: join(import.meta.dirname, '../../..'),
    env: { ...process.env, URL: server.connection, SQL: sql },
    timeout: 20_000,
  });
}

test('the log of a backup while which none was made tells of none', async () => {
  const backup = await backUp(repository, server.connection);
  const restored = join(scratch.path, 'without');
  await restoreInto(repository, backup, restored);
  expect(backup.madeTablespaces).toEqual([]);
  await assertLogKeepsOut(restored, withoutList(backup), 'everything');
}, 60_000);

test('of a backup while which a tablespace was made nothing is known where its directory is not: no verdict', async () => {
  const location = join(scratch.path, 'late');
  await mkdir(location);
  await giveToServer(location);
  const backup = await backUpWhileMade(location);
  const restored = join(scratch.path, 'restored');
  expect(backup.madeTablespaces).toEqual([{ oid: expect.any(Number), location }]);
  for (const each of [backup, withoutList(backup)]) {
    const refusal = await failureOf(restoreInto(repository, each, restored));
    expect(refusal).toMatchObject({ code: 'RESTORE_REFUSED' });
    expect(refusal.message).toContain(`${location}, where a server has its files`);
    await expect(stat(join(restored, 'global/pg_control'))).rejects.toMatchObject({ code: 'ENOENT' });
  }
  await rm(location, { recursive: true });
  await restoreInto(repository, backup, restored);
  await assertLogKeepsOut(restored, withoutList(backup), 'occupied');
  const strict = { own: [], keepOut: 'everything' } as const;
  for (const look of [
    assertMayMakeTablespaces(backup, strict),
    assertLogKeepsOut(restored, withoutList(backup), 'everything'),
  ])
    expect(await failureOf(look)).toMatchObject({ code: 'RESTORE_REFUSED' });

  const failure = await failureOf(prove(repository, backup, join(scratch.path, 'proofs')));
  expect(failure).toMatchObject({ code: 'INSTANCE_FAILED' });
  expect(failure.hint).toMatch(/^A tablespace was made while this backup was taken/);
}, 60_000);
