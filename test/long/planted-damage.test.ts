import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommitRecord } from '../../src/repository/commit-record.ts';
import { fingerprintName } from '../../src/repository/layout.ts';
import type { ProofReport } from '../../src/verify/proof-report.ts';
import {
  backUp,
  makeScratch,
  repositoryAt,
  type Scratch,
  type TestRepository,
} from '../support/backup-runner.ts';
import { startServer, type TestServer } from '../support/postgres-server.ts';
import { takeSealedObjectOf } from '../support/proof/damages.ts';
import { SOURCE_DAMAGES, STORED_DAMAGES, TABLE_PAGES } from '../support/proof/planted.ts';
import { prove } from '../support/proof/prove.ts';
import { SeededRandom, seedFromEnvironment } from '../support/seeded-random.ts';
import { relationFiles } from '../support/storm/relation-files.ts';

/** Places that each kind is planted in. */
const PLACES = Number(process.env['LARDER_TEST_PLACES'] ?? '5');

let scratch: Scratch;
let server: TestServer;
let whole: TestRepository;
let sound: CommitRecord;
let other: CommitRecord;
const seed = seedFromEnvironment();
const caught: string[] = [];

beforeAll(async () => {
  scratch = await makeScratch();
  whole = repositoryAt(join(scratch.path, 'whole'));
  server = await startServer({
    major: 18,
    walSegmentSizeMb: 1,
    // they would find most of this before anything else could
    checksums: false,
    settings: { autovacuum: 'off', fsync: 'off' },
  });
  for (let place = 0; place < PLACES; place++)
    await server.query(`
      CREATE TABLE t${place} (id int PRIMARY KEY, what text, long text);
      ALTER TABLE t${place} ALTER long SET STORAGE EXTERNAL;
      INSERT INTO t${place} SELECT g, repeat(md5(g::text), 2), CASE WHEN g % 50 = 0 THEN repeat(md5(g::text), 200) END
        FROM generate_series(1, ${TABLE_PAGES * 80}) g`);
  await server.query('CHECKPOINT');
  other = await backUp(whole, server.connection);
  await server.query('CREATE TABLE later AS SELECT g FROM generate_series(1, 1000) g');
  sound = await backUp(whole, server.connection);
}, 120_000);
afterAll(async () => {
  process.stderr.write(`planted damages that were caught: ${caught.length}, seed ${seed}\n`);
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});

/** With owners and times, as it lies there. */
function copyTree(from: string, to: string): void {
  execFileSync('cp', ['--archive', from, to]);
}

let copies = 0;
async function withCopy(use: (repository: TestRepository) => Promise<void>): Promise<void> {
  const directory = join(scratch.path, `copy-${(copies += 1)}`);
  await cp(whole.location.directory, directory, { recursive: true });
  await use(repositoryAt(directory));
  await rm(directory, { recursive: true });
}

const places = Array.from({ length: PLACES }, (_, place) => place);
const words = ({ checks }: ProofReport): string =>
  checks
    .flatMap(({ name, findings }) =>
      findings.map(({ message, object, file }) => `${name}: ${message} ${object ?? ''} ${file ?? ''}`),
    )
    .join('\n');

describe('planted in what is stored', () => {
  test.each(Object.entries(STORED_DAMAGES))(
    '%s: is caught, and named',
    async (what, damage) => {
      for (const place of places) {
        await withCopy(async (repository) => {
          const random = new SeededRandom(seed + place);
          const planted = await damage({ repository, backup: sound, other, random });
          const report = await prove(repository, planted.backup, join(scratch.path, 'proofs'));
          expect([what, place, report.verdict]).toEqual([what, place, 'failed']);
          expect(words(report)).toMatch(planted.named);
          caught.push(what);
        });
      }
    },
    PLACES * 60_000,
  );
});

describe('planted in the source, under frames that are whole', () => {
  test.each(SOURCE_DAMAGES)(
    '$what: is caught, and named',
    async ({ what, relation, damage, behindFingerprint }) => {
      const files = await relationFiles(server.connection, 'postgres');
      const before = join(scratch.path, 'source-before');
      await server.halt();
      copyTree(server.dataDirectory, before);
      const random = new SeededRandom(seed);
      // each place in a table of its own, so that one backup holds them all
      for (const place of places) {
        const path = files.get(relation.replace('%', `t${place}`))!;
        await damage(random)(join(server.dataDirectory, path));
      }
      await server.restart();
      const repository = repositoryAt(join(scratch.path, `damaged-${(copies += 1)}`));
      let backup = await backUp(repository, server.connection);
      await server.halt();
      await restoreSource(before);
      if (behindFingerprint === true) {
        const earlier = await backUp(repository, server.connection);
        backup = await takeSealedObjectOf(repository, { to: backup, from: earlier, name: fingerprintName });
      }
      const report = await prove(repository, backup, join(scratch.path, 'proofs'));
      expect([what, report.verdict]).toEqual([what, 'failed']);
      for (const place of places) {
        expect(words(report)).toContain(`t${place}`);
        caught.push(what);
      }
      await rm(repository.location.directory, { recursive: true });
    },
    300_000,
  );

  async function restoreSource(before: string): Promise<void> {
    await rm(server.dataDirectory, { recursive: true });
    copyTree(before, server.dataDirectory);
    await rm(before, { recursive: true });
    await server.restart();
  }
});
