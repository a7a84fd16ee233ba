import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import { manifestName, packName } from '../../../src/repository/layout.ts';
import {
  backUp,
  failureOf,
  makeScratch,
  repositoryAt,
  restoreAndStart,
  restoreInto,
  verify,
  type BackupChanges,
  type Scratch,
  type TestRepository,
} from '../../support/backup-runner.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';

let scratch: Scratch;
let server: TestServer;
let repository: TestRepository;
let count = 0;

beforeAll(async () => {
  scratch = await makeScratch();
  server = await startServer({ major: 18, settings: { summarize_wal: 'on', min_wal_size: '32MB' } });
});
afterAll(async () => {
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});
beforeEach(() => {
  count += 1;
  repository = repositoryAt(join(scratch.path, `backups-${String(count)}`));
});

function incremental(changes: BackupChanges = {}, connection = server.connection): Promise<CommitRecord> {
  return backUp(repository, connection, { type: 'incremental', changesFrom: 'server', ...changes });
}

const objectPath = (name: string): string => join(repository.location.directory, name);

describe('an incremental backup becomes a full one, and says why,', () => {
  test('where there is nothing to build on', async () => {
    expect(await incremental()).toMatchObject({ type: 'full', fullBecause: 'there is no earlier backup' });
  }, 60_000);

  test('where the chain is as long as it may be', async () => {
    const full = await backUp(repository, server.connection);
    expect(await incremental({ maxChain: 1 })).toMatchObject({ type: 'incremental', parent: full.id });
    const next = await incremental({ maxChain: 1 });
    expect(next.type).toBe('full');
    expect(next.fullBecause).toContain('the most allowed');
  }, 60_000);

  test('where a pack of the chain is missing', async () => {
    const full = await backUp(repository, server.connection);
    await rm(objectPath(packName(full.id, 1)));
    const next = await incremental();
    expect(next.type).toBe('full');
    expect(next.fullBecause).toContain(`${packName(full.id, 1)} of the chain is missing`);
    expect((await verify(repository, next)).findings).toEqual([]);
  }, 60_000);

  test('where the server runs on a copy, which has another history on the same timeline', async () => {
    const full = await backUp(repository, server.connection);
    await using copy = await restoreAndStart(repository, full);
    await copy.query('CREATE TABLE other AS SELECT generate_series(1, 1000)');
    const next = await incremental({}, copy.connection);
    expect(next).toMatchObject({ type: 'full', timeline: full.timeline });
    expect(next.fullBecause).toContain('was restored since');
    expect(await incremental({}, copy.connection)).toMatchObject({ type: 'incremental', parent: next.id });
    // back on the server itself, its own history goes on, and the copy's is not taken for it
    expect(await incremental()).toMatchObject({ type: 'incremental', parent: full.id });
  }, 60_000);

  test('where the server does not summarize its WAL, and where it has lost the summaries', async () => {
    await backUp(repository, server.connection);
    await server.query('ALTER SYSTEM SET summarize_wal = off');
    await server.query('SELECT pg_reload_conf()');
    const hashed = await incremental();
    expect(hashed.fullBecause).toContain('summarize_wal = on');
    // from now on contents are compared
    expect(await incremental()).toMatchObject({ type: 'incremental', parent: hashed.id });
    await rm(join(server.dataDirectory, 'pg_wal', 'summaries'), { recursive: true });
    await server.query(`DO $$ BEGIN CREATE TABLE IF NOT EXISTS filler (t text); END $$`);
    for (let i = 0; i < 6; i++) {
      await server.query("INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 2000)");
      await server.query('SELECT pg_switch_wal()');
      await server.query('CHECKPOINT');
    }
    await server.halt();
    await server.restart();
    await server.query('ALTER SYSTEM SET summarize_wal = on');
    await server.query('SELECT pg_reload_conf()');
    const next = await incremental();
    expect(next.type).toBe('full');
    // we say so, or where it had not begun to summarize again, the server
    expect(next.fullBecause).toMatch(/has no summary of its WAL|summaries .* are incomplete/);
    expect((await verify(repository, next)).findings).toEqual([]);
  }, 120_000);
});

test('a damaged backup is passed over for an older one of its chain, and one may be named', async () => {
  const full = await backUp(repository, server.connection);
  const first = await incremental();
  const second = await incremental();
  await truncate(objectPath(manifestName(second.id)), 20);
  expect(await incremental()).toMatchObject({ type: 'incremental', parent: first.id });
  const branch = await incremental({ parent: full.id });
  expect(branch).toMatchObject({ type: 'incremental', parent: full.id, chain: full.id });
  expect((await verify(repository, branch)).findings).toEqual([]);
}, 60_000);

test('verification finds a chain that has lost a member, a pack or a record', async () => {
  const full = await backUp(repository, server.connection);
  const next = await incremental();
  expect((await verify(repository, next)).findings).toEqual([]);
  await truncate(objectPath(packName(full.id, 1)), 1000);
  expect((await verify(repository, next)).findings.some(({ message }) => message.includes(full.id))).toBe(
    true,
  );
  // and a restore names it before it writes anything
  const directory = join(scratch.path, 'refused');
  const refused = await failureOf(restoreInto(repositoryAt(repository.location.directory), next, directory));
  expect(refused).toMatchObject({ code: 'OBJECT_DAMAGED' });
  expect(refused.message).toContain(packName(full.id, 1));
  await expect(stat(directory)).rejects.toThrow('ENOENT');
  await rm(objectPath(`${full.id}/${full.id}.meta`));
  const { findings } = await verify(repository, next);
  expect(findings).toContainEqual(
    expect.objectContaining({ code: 'OBJECT_MISSING', object: `${full.id}/${full.id}.meta` }),
  );
  // its packs are needed still: no later run takes them for a leftover
  const later = await incremental();
  expect(later.type).toBe('full');
  expect(await repository.store.stat(packName(full.id, 1))).toBeDefined();
}, 60_000);
