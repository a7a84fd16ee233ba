import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import { backUp, makeScratch, repositoryAt } from '../../support/backup-runner.ts';
import type { Scratch, TestRepository } from '../../support/backup-runner.ts';
import type { TestServer } from '../../support/postgres-server.ts';
import { majors, startServer } from '../../support/postgres-server.ts';
import { checkNamed, prove } from '../../support/proof/prove.ts';
import { addTablespace, fillVaried } from '../../support/varied-cluster.ts';

describe.each(majors)('the proof of a backup of PostgreSQL %i', (major) => {
  let scratch: Scratch;
  let server: TestServer;
  let repository: TestRepository;
  let backup: CommitRecord;

  beforeAll(async () => {
    scratch = await makeScratch();
    repository = repositoryAt(join(scratch.path, 'backups'));
    server = await startServer({ major, walSegmentSizeMb: 1, checksums: major !== 16 });
    await fillVaried(server);
    await addTablespace(server, 'fast', join(scratch.path, 'original'));
    backup = await backUp(repository, server.connection);
  }, 120_000);
  afterAll(async () => {
    await server.stop();
    await scratch[Symbol.asyncDispose]();
  });

  test('finds nothing in one that is whole, and leaves nothing behind', async () => {
    const place = join(scratch.path, 'proofs');
    const userChecks = [
      { name: 'answer', database: 'postgres', sql: 'SELECT 6 * 7', expect: '42', timeout: 1000 },
    ];
    const report = await prove(repository, backup, place, { level: 'full', userChecks });
    expect(report.checks.flatMap(({ findings }) => findings)).toEqual([]);
    expect(report.checks.filter(({ result }) => result !== 'passed')).toEqual([]);
    expect(report).toMatchObject({ verdict: 'verified', backup: backup.id });
    expect(checkNamed(report, 'indexes').detail).toMatch(/^\d{3,} indexes.* in 4 databases$/);
    expect(await readdir(place)).toEqual([]);
  }, 60_000);
});
