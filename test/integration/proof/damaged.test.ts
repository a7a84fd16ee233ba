import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cp, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { formatLsn, parseLsn } from '../../../src/postgres/lsn.ts';
import { readCatalogue } from '../../../src/repository/catalogue.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import { fingerprintName, manifestName, packName } from '../../../src/repository/layout.ts';
import { readProofs, writeProof } from '../../../src/verify/proof/proof-record.ts';
import type { ProofReport } from '../../../src/verify/proof-report.ts';
import { backUp, makeScratch, repositoryAt } from '../../support/backup-runner.ts';
import type { Scratch, TestRepository } from '../../support/backup-runner.ts';
import type { TestServer } from '../../support/postgres-server.ts';
import { startServer } from '../../support/postgres-server.ts';
import { resealRecord, takeObjectOf, takeSealedObjectOf } from '../../support/proof/damages.ts';
import { checkNamed, prove } from '../../support/proof/prove.ts';
import {
  brokenLinePointer,
  dropBtreeEntry,
  relationFiles,
  removeFile,
} from '../../support/storm/relation-files.ts';

let scratch: Scratch;
let server: TestServer;
let whole: TestRepository;
let sound: CommitRecord;
let emptied: CommitRecord;
/** Of a source whose files were damaged behind its back; without page checksums nobody there would notice. */
let damaged: CommitRecord;

beforeAll(async () => {
  scratch = await makeScratch();
  whole = repositoryAt(join(scratch.path, 'whole'));
  server = await startServer({
    major: 18,
    walSegmentSizeMb: 1,
    checksums: false,
    settings: { autovacuum: 'off', fsync: 'off' },
  });
  await server.query(`
    CREATE TABLE orders (id int PRIMARY KEY, what text);
    INSERT INTO orders SELECT g, repeat('x', 50) FROM generate_series(1, 2000) g;
    CREATE TABLE torn AS SELECT g, repeat('y', 50) AS what FROM generate_series(1, 2000) g;
    CREATE TABLE gone AS SELECT g FROM generate_series(1, 100) g;
    CREATE TABLE cleared AS SELECT g FROM generate_series(1, 100) g;
    CHECKPOINT`);
  sound = await backUp(whole, server.connection, { changesFrom: 'comparison' });
  await server.query('DELETE FROM cleared');
  emptied = await backUp(whole, server.connection);
  const files = await relationFiles(server.connection, 'postgres');
  await server.halt();
  const pathOf = (relation: string): string => join(server.dataDirectory, files.get(relation)!);
  await dropBtreeEntry(pathOf('orders_pkey'));
  await brokenLinePointer(2, 5)(pathOf('torn'));
  await removeFile(pathOf('gone'));
  await server.restart();
  damaged = await backUp(whole, server.connection);
}, 120_000);
afterAll(async () => {
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});

const proof = (repository: TestRepository, backup: CommitRecord): Promise<ProofReport> =>
  prove(repository, backup, join(scratch.path, 'proofs'));

const words = (report: ProofReport): string =>
  report.checks.flatMap(({ findings }) => findings.map(({ message }) => message)).join('\n');

let copies = 0;
async function aCopy(): Promise<TestRepository> {
  copies += 1;
  const directory = join(scratch.path, `copy-${copies}`);
  await cp(whole.location.directory, directory, { recursive: true });
  return repositoryAt(directory);
}

test('a broken index, a torn page and a missing file are each found and named, and quarantine the backup', async () => {
  const report = await proof(whole, damaged);
  expect(report.verdict).toBe('failed');
  expect(checkNamed(report, 'stored_objects').result).toBe('passed');
  expect(checkNamed(report, 'indexes').findings).toMatchObject([
    {
      message: expect.stringMatching(
        /database postgres, index public\.orders_pkey: .*lacks matching index tuple/,
      ),
    },
  ]);
  expect(checkNamed(report, 'heaps').findings[0]?.message).toMatch(
    /database postgres, table public\.torn: block 2, row 5: /,
  );
  expect(checkNamed(report, 'relation_files').findings).toMatchObject([
    {
      message: expect.stringMatching(
        /database postgres, table public\.gone: its file base\/\d+\/\d+ is missing/,
      ),
    },
  ]);

  const repository = await aCopy();
  expect(await writeProof(repository.store, report)).toBe(`${damaged.id}/${damaged.id}.quarantined`);
  expect((await readCatalogue(repository.store)).proofs).toEqual(new Map([[damaged.id, 'quarantined']]));
  expect(await readProofs(repository.store, damaged.id)).toMatchObject([{ report, problem: undefined }]);
  const next = await backUp(repository, server.connection, {
    type: 'incremental',
    changesFrom: 'comparison',
  });
  expect(next.parent).toBe(emptied.id);

  await writeProof(repository.store, { ...report, verdict: 'verified', checks: [] });
  expect((await readCatalogue(repository.store)).proofs).toEqual(new Map([[damaged.id, 'verified']]));
}, 90_000);

test('a table that was emptied between the fingerprint and the backup is named, with both numbers', async () => {
  const repository = await aCopy();
  const backup = await takeSealedObjectOf(repository, { to: emptied, from: sound, name: fingerprintName });
  const report = await proof(repository, backup);
  expect(report.verdict).toBe('failed');
  expect(checkNamed(report, 'row_counts').findings[0]?.message).toMatch(/cleared.*100/);
}, 60_000);

describe('found before anything is restored:', () => {
  const later = (lsn: string, bytes: bigint): string => formatLsn(parseLsn(lsn)! + bytes);
  test.each<[string, (repository: TestRepository) => Promise<CommitRecord>, RegExp]>([
    [
      'a stop position that is too high',
      (repository) => resealRecord(repository, sound, { stopLsn: later(sound.stopLsn, 8n) }),
      /commit record|does not agree with the server's own manifest: it ends at/,
    ],
    [
      'a stop position that is too low',
      (repository) => resealRecord(repository, sound, { stopLsn: later(sound.stopLsn, -8n) }),
      /does not agree with the server's own manifest: it ends at/,
    ],
    [
      'another timeline',
      (repository) => resealRecord(repository, sound, { timeline: 2 }),
      /it lies on timeline 2, and the server said 1/,
    ],
    [
      'another system',
      (repository) => resealRecord(repository, sound, { systemIdentifier: '7000000000000000001' }),
      /it is of system 7000000000000000001, and the server said/,
    ],
    [
      'the manifest of another backup',
      async (repository) => {
        await takeObjectOf(repository, { to: sound, from: emptied, name: manifestName });
        return sound;
      },
      /manifest/,
    ],
    [
      'packs in each other’s place',
      async (repository) => {
        const path = (number: number): string =>
          join(repository.location.directory, packName(sound.id, number));
        await rename(path(1), path(9));
        await rename(path(2), path(1));
        await rename(path(9), path(2));
        return sound;
      },
      /data-00001\.pack[^]*data-00002\.pack/,
    ],
  ])(
    '%s',
    async (_, damage, finding) => {
      const repository = await aCopy();
      const report = await proof(repository, await damage(repository));
      expect(report).toMatchObject({ verdict: 'failed', reached: null });
      expect(checkNamed(report, 'stored_objects').result).toBe('failed');
      expect(words(report)).toMatch(finding);
    },
    30_000,
  );
});
