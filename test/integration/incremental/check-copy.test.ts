import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import { backUp, makeScratch, repositoryAt } from '../../support/backup-runner.ts';
import type { Scratch, TestRepository } from '../../support/backup-runner.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { checkCopy } from '../../support/storm/check-copy.ts';
import { compareHoldings } from '../../support/storm/cluster-holdings.ts';
import type { Expectation } from '../../support/storm/expectation.ts';
import {
  claimAllFrozen,
  cutLastPage,
  type Damage,
  dropBtreeEntry,
  dropLastEntry,
  relationFiles,
  removeFile,
  stalePage,
  zeroPage,
} from '../../support/storm/relation-files.ts';
import { RestoredCopy } from '../../support/storm/restored-copy.ts';
import { insertRows } from '../../support/storm/storm-table.ts';
import { Storm } from '../../support/storm/storm.ts';

interface Taken {
  backup: CommitRecord;
  expectation: Expectation;
}

/** Without page checksums, which would find most of this before anything else could. */
describe('the check of a restored copy', () => {
  let scratch: Scratch;
  let repository: TestRepository;
  let storm: Storm;
  let older: Taken;
  let newer: Taken;
  let olderFiles: RestoredCopy;
  let files: ReadonlyMap<string, Map<string, string>>;

  beforeAll(async () => {
    scratch = await makeScratch();
    repository = repositoryAt(join(scratch.path, 'backups'));
    storm = await Storm.start({ major: 18, checksums: false, walSegmentSizeMb: 1 }, 1);
    for (const database of ['storm_1', 'storm_2']) await fill(database);
    older = await take();
    for (const database of ['storm_1', 'storm_2']) await change(database);
    newer = await take();
    olderFiles = await RestoredCopy.restore(repository, older.backup, storm.spaceNames);
    files = new Map([
      ['storm_1', await relationFiles(storm.connection, 'storm_1')],
      ['storm_2', await relationFiles(storm.connection, 'storm_2')],
    ]);
  }, 120_000);
  afterAll(async () => {
    await olderFiles[Symbol.asyncDispose]();
    await storm[Symbol.asyncDispose]();
    await scratch[Symbol.asyncDispose]();
  });

  async function take(): Promise<Taken> {
    const { value: backup, expectation } = await storm.calm(() => backUp(repository, storm.connection));
    return { backup, expectation };
  }

  function fill(database: string): Promise<void> {
    return storm.carryOut(database, (number) => ({
      what: 'fill',
      statements: [insertRows('bulk_0', 3000, number, new SeededRandom(1))],
      touched: ['bulk_0'],
      // GIN's pending list goes into the index proper
      afterwards: ['VACUUM bulk_0, indexed_0'],
    }));
  }

  function change(database: string): Promise<void> {
    return storm.carryOut(database, () => ({
      what: 'change',
      statements: [`UPDATE bulk_0 SET id = id + 100000, filler = 'changed' WHERE id % 7 = 0`],
      touched: ['bulk_0'],
    }));
  }

  async function findingsOf({ backup }: Taken, expectation: Expectation, damage: [string, Damage][] = []) {
    await using copy = await RestoredCopy.restore(repository, backup, storm.spaceNames);
    for (const [path, damageFile] of damage) await damageFile(join(copy.dataDirectory, path));
    return await checkCopy(await copy.start(), expectation);
  }

  const pathOf = (database: string, relation: string) => files.get(database)!.get(relation)!;
  const stale = (database: string, relation: string) =>
    stalePage(join(olderFiles.dataDirectory, pathOf(database, relation)));

  test('finds nothing in one that is whole', async () => {
    expect(await findingsOf(older, older.expectation)).toEqual([]);
    expect(await findingsOf(newer, newer.expectation)).toEqual([]);
  }, 60_000);

  test('finds one that is too old', async () => {
    const findings = await findingsOf(older, withoutContents(newer));
    expect(findings.join('\n')).toContain(
      'storm_1, which stands at batch 1: batch 2 was committed before the backup began',
    );
  }, 60_000);

  test('finds one that is too new', async () => {
    const findings = await findingsOf(newer, withoutContents(older));
    expect(findings.join('\n')).toContain(
      'storm_2, which stands at batch 2: batch 2 was begun after the backup ended, which had seen 1',
    );
  }, 60_000);

  interface Sabotage {
    what: string;
    relation: string;
    damage: (database: string) => Damage;
    finding: RegExp;
  }

  /** Two at a time, the first in storm_1, the second in storm_2: a copy costs seconds. */
  const sabotages: { first: Sabotage; second: Sabotage }[] = [
    {
      first: {
        what: 'a page of zeros in a table',
        relation: 'bulk_0',
        damage: () => zeroPage(3),
        finding: /storm_1, which stands at batch 2: bulk_0 holds \d+ rows/,
      },
      second: {
        what: 'a page of an older backup in a table',
        relation: 'bulk_0',
        damage: (database) => stale(database, 'bulk_0'),
        finding: /storm_2, which stands at batch 2: bulk_0 holds \d+ rows/,
      },
    },
    {
      first: {
        what: 'an entry that is missing in a btree',
        relation: 'bulk_0_pkey',
        damage: () => dropBtreeEntry,
        finding: /storm_1: btree indexes: .*lacks matching index tuple within index "bulk_0_pkey"/,
      },
      second: {
        what: 'a page of an older backup in a btree',
        relation: 'bulk_0_pkey',
        damage: (database) => stale(database, 'bulk_0_pkey'),
        finding: /storm_2: btree indexes: .*bulk_0_pkey/,
      },
    },
    {
      first: {
        what: 'a page of zeros in a TOAST table',
        relation: 'toasted_0 toast',
        damage: () => zeroPage(0),
        finding: /storm_1: heaps and TOAST: toasted_0, block \d+, offset \d+: toast value \d+ not found/,
      },
      second: {
        what: 'a visibility map that says too much',
        relation: 'bulk_0',
        damage: () => claimAllFrozen,
        finding: /storm_2: visibility maps: bulk_0, row \(\d+,\d+\) is not/,
      },
    },
    {
      first: {
        what: 'a page of zeros in a hash index',
        relation: 'indexed_0_tag_idx',
        damage: () => zeroPage(1),
        finding: /storm_1: indexes of other methods: .*(hash|indexed_0_tag_idx)/,
      },
      second: {
        what: 'a page of zeros in a GiST index',
        relation: 'indexed_0_place_idx',
        damage: () => zeroPage(1),
        finding: /storm_2: indexes of other methods: .*(gist|indexed_0_place_idx)/,
      },
    },
    {
      first: {
        what: 'an entry that is missing in a GIN index',
        relation: 'indexed_0_marks_idx',
        damage: () => dropLastEntry(1),
        finding: /storm_1: indexes of other methods: indexed_0 has other rows through its gin index/,
      },
      second: {
        what: 'a page of zeros in a BRIN index',
        relation: 'indexed_0_era_idx',
        damage: () => zeroPage(2),
        finding: /storm_2: indexes of other methods: .*(brin|indexed_0_era_idx)/i,
      },
    },
    {
      first: {
        what: 'the file of a table that is missing',
        relation: 'bulk_0',
        damage: () => removeFile,
        finding: /storm_1: .*could not open file/,
      },
      second: {
        what: 'the file of an index that is missing',
        relation: 'bulk_0_pkey',
        damage: () => removeFile,
        finding: /storm_2: btree indexes: .*bulk_0_pkey/,
      },
    },
    {
      first: {
        what: 'a table that is a page too short',
        relation: 'bulk_0',
        damage: () => cutLastPage,
        finding: /storm_1, which stands at batch 2: bulk_0 holds \d+ rows/,
      },
      second: {
        what: 'a page of zeros in a catalog',
        relation: 'pg_description',
        damage: () => zeroPage(2),
        finding: /storm_2: pg_catalog.pg_description has \d+ rows in the copy instead of/,
      },
    },
  ];
  test.each(sabotages)(
    'finds $first.what and $second.what',
    async ({ first, second }) => {
      const findings = await findingsOf(newer, newer.expectation, [
        [pathOf('storm_1', first.relation), first.damage('storm_1')],
        [pathOf('storm_2', second.relation), second.damage('storm_2')],
      ]);
      for (const { finding } of [first, second])
        expect(findings).toContainEqual(expect.stringMatching(finding));
    },
    60_000,
  );
});

/** What is expected of a backup during which things changed. */
function withoutContents({ expectation: { before, after, journals } }: Taken): Expectation {
  return { before, after, journals };
}

describe('the list of databases and tablespaces of a copy', () => {
  const database = { kind: 'database', name: 'd', tablespace: 'pg_default' } as const;

  test('may stand on either side of what was under way', () => {
    for (const state of ['coming', 'leaving'] as const) {
      expect(compareHoldings([{ ...database, state }], [])).toEqual([]);
      expect(compareHoldings([{ ...database, state }], [{ ...database, invalid: false }])).toEqual([]);
    }
    const moving = { ...database, state: 'moving', tablespace: 'elsewhere' } as const;
    expect(compareHoldings([moving], [{ ...database, invalid: false }])).toEqual([]);
    expect(compareHoldings([{ ...database, state: 'leaving' }], [{ ...database, invalid: true }])).toEqual(
      [],
    );
  });

  test('must hold what was made, where it was made, and nothing else', () => {
    const present = { ...database, state: 'present' } as const;
    expect(compareHoldings([present], [])).toEqual(['the database d is missing']);
    expect(compareHoldings([], [{ ...database, invalid: false }])).toEqual([
      'the database d should not be there',
    ]);
    expect(compareHoldings([present], [{ ...database, tablespace: 'elsewhere', invalid: false }])).toEqual([
      'the database d is in elsewhere instead of pg_default',
    ]);
    expect(compareHoldings([present], [{ ...database, invalid: true }])).toEqual([
      'the database d is marked as half dropped',
    ]);
  });
});
