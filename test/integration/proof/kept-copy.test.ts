import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeProof } from '../../../src/verify/proof/proof-record.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import type { ProofReport } from '../../../src/verify/proof-report.ts';
import {
  backUp,
  makeScratch,
  repositoryAt,
  type Scratch,
  type TestRepository,
} from '../../support/backup-runner.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';
import { checkNamed, prove } from '../../support/proof/prove.ts';
import { dropBtreeEntry, relationFiles } from '../../support/storm/relation-files.ts';

let scratch: Scratch;
let server: TestServer;
let repository: TestRepository;

beforeAll(async () => {
  scratch = await makeScratch();
  repository = repositoryAt(join(scratch.path, 'backups'));
  server = await startServer({
    major: 17,
    walSegmentSizeMb: 1,
    checksums: false,
    settings: { autovacuum: 'off', summarize_wal: 'on' },
  });
  await server.query(`
    CREATE TABLE still (id int PRIMARY KEY, what text);
    INSERT INTO still SELECT g, repeat('x', 50) FROM generate_series(1, 20000) g;
    CREATE TABLE moving (id int PRIMARY KEY, what text);
    INSERT INTO moving SELECT g, repeat('y', 50) FROM generate_series(1, 20000) g`);
  await server.query('VACUUM FREEZE');
}, 60_000);
afterAll(async () => {
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});

const place = (): string => join(scratch.path, 'proofs');

async function proveAndStore(backup: CommitRecord): Promise<ProofReport> {
  const report = await prove(repository, backup, place(), { keep: 'truck' });
  await writeProof(repository.store, report);
  return report;
}

test('a kept copy is brought to the next backup, and what changed is looked at again', async () => {
  const full = await backUp(repository, server.connection);
  const first = await proveAndStore(full);
  expect(first.checks.flatMap(({ findings }) => findings)).toEqual([]);
  expect(checkNamed(first, 'indexes').detail).not.toContain('unchanged');
  expect(await readdir(place())).toEqual(['kept-truck']);

  await server.query(`UPDATE moving SET what = 'z' WHERE id % 100 = 0`);
  const next = await backUp(repository, server.connection, { type: 'incremental' });
  expect(next.type).toBe('incremental');
  const second = await proveAndStore(next);
  expect(second.checks.flatMap(({ findings }) => findings)).toEqual([]);
  expect(checkNamed(second, 'indexes').detail).toMatch(/\d{3} unchanged since they were proven/);
  expect(checkNamed(second, 'heaps').detail).toMatch(/unchanged since they were proven/);
  expect(checkNamed(second, 'row_counts').detail).toMatch(/\d+ tables/);

  // behind the source's back: the entry is gone from an index of the table that moves
  const files = await relationFiles(server.connection, 'postgres');
  await server.query(`UPDATE moving SET what = 'w' WHERE id % 100 = 1`);
  await server.halt();
  await dropBtreeEntry(join(server.dataDirectory, files.get('moving_pkey')!));
  await server.restart();
  await server.query('INSERT INTO moving SELECT g FROM generate_series(30001, 31000) g');
  const damaged = await backUp(repository, server.connection, { type: 'full' });
  const third = await proveAndStore(damaged);
  expect(third.verdict).toBe('failed');
  expect(checkNamed(third, 'indexes').findings[0]?.message).toContain('public.moving_pkey');
  // what was damaged is no ground to stand on
  expect(await readdir(place())).toEqual([]);
}, 180_000);
