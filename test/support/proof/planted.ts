import { copyFile, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatLsn, parseLsn } from '../../../src/postgres/lsn.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import {
  fingerprintName,
  manifestName,
  packName,
  serverManifestName,
} from '../../../src/repository/layout.ts';
import type { TestRepository } from '../backup-runner.ts';
import type { SeededRandom } from '../seeded-random.ts';
import {
  brokenLinePointer,
  cutLastPage,
  type Damage,
  dropBtreeEntry,
  garbagePage,
  removeFile,
  zeroPage,
} from '../storm/relation-files.ts';
import { resealRecord } from './damages.ts';

/** What is damaged: a repository of which nobody else has the files, and a backup in it. */
export interface Stored {
  readonly repository: TestRepository;
  readonly backup: CommitRecord;
  /** Another backup of the same cluster in it. */
  readonly other: CommitRecord;
  readonly random: SeededRandom;
}

/** Damages what is stored; returns the record to prove, and what the findings must name. */
export type StoredDamage = (
  stored: Stored,
) => Promise<{ readonly backup: CommitRecord; readonly named: RegExp }>;

type NameOf = (id: string, random: SeededRandom) => string;
const aPack: NameOf = (id, random) => packName(id, random.between(1, 2));
const OBJECTS: Readonly<Record<string, NameOf>> = {
  'a pack': aPack,
  'the manifest': manifestName,
  "the server's manifest": serverManifestName,
  'the fingerprint': fingerprintName,
};

/** Damages of one file, by where it lies. */
const OF_FILES: Readonly<
  Record<string, (path: string, random: SeededRandom, other: string) => Promise<void>>
> = {
  'a flipped byte': async (path, random) => {
    const bytes = await readFile(path);
    const at = random.below(bytes.length);
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << random.below(8)), at);
    await writeFile(path, bytes);
  },
  'a stretch of zeros': async (path, random) => {
    const bytes = await readFile(path);
    // behind the header, which begins with what is never zero
    const at = 32 + random.below(bytes.length - 96);
    bytes.fill(0, at, at + 64);
    if (bytes.subarray(at, at + 64).equals((await readFile(path)).subarray(at, at + 64)))
      bytes.fill(0xff, 40, 72);
    await writeFile(path, bytes);
  },
  'a cut': async (path, random) => {
    const { length } = await readFile(path);
    await truncate(path, random.below(length));
  },
  missing: (path) => rm(path),
  "another backup's": (path, _, other) => copyFile(other, path),
};

/** Twenty kinds: five of each of four objects; and what only a record can get wrong. */
export const STORED_DAMAGES: Readonly<Record<string, StoredDamage>> = {
  ...Object.fromEntries(
    Object.entries(OBJECTS).flatMap(([what, nameOf]) =>
      Object.entries(OF_FILES).map(([how, damage]): [string, StoredDamage] => [
        `${what}: ${how}`,
        async ({ repository: { location }, backup, other, random }) => {
          const name = nameOf(backup.id, random);
          const path = (object: string): string => join(location.directory, object);
          await damage(path(name), random, path(name.replaceAll(backup.id, other.id)));
          return { backup, named: new RegExp(name.split('/').at(-1)!.replace('.', '\\.')) };
        },
      ]),
    ),
  ),
  'packs in each other’s place': async ({ repository: { location }, backup }) => {
    const path = (number: number): string => join(location.directory, packName(backup.id, number));
    await rename(path(1), path(9));
    await rename(path(2), path(1));
    await rename(path(9), path(2));
    return { backup, named: /data-00001\.pack[^]*data-00002\.pack/ };
  },
  'a wrong stop position': ofRecord(
    ({ stopLsn }, random) => ({ stopLsn: shifted(stopLsn, random) }),
    /it ends at/,
  ),
  'a wrong range of the log': ofRecord(
    ({ walRanges }, random) => ({
      walRanges: walRanges.map((range) => ({ ...range, start: shifted(range.start, random) })),
    }),
    /it needs the log of timeline/,
  ),
  'a wrong timeline': ofRecord((_, random) => ({ timeline: random.between(2, 9) }), /it lies on timeline/),
  'another system': ofRecord(
    (_, random) => ({ systemIdentifier: String(7_000_000_000_000_000_000n + BigInt(random.below(1e9))) }),
    /it is of system/,
  ),
};

function ofRecord(
  change: (backup: CommitRecord, random: SeededRandom) => Partial<CommitRecord>,
  named: RegExp,
): StoredDamage {
  return async ({ repository, backup, random }) => ({
    backup: await resealRecord(repository, backup, change(backup, random)),
    named,
  });
}

function shifted(lsn: string, random: SeededRandom): string {
  const by = BigInt(8 * random.between(1, 1000));
  return formatLsn(random.chance(50) ? parseLsn(lsn)! + by : parseLsn(lsn)! - by);
}

/** Done to the files of the source while it does not run, so that the backup holds it under frames that are whole. */
export interface SourceDamage {
  readonly what: string;
  /** As `relationFiles` names it; `%` stands for one of the tables. */
  readonly relation: string;
  readonly damage: (random: SeededRandom) => Damage;
  /** Whether it came between the fingerprint and the backup, so that only the fingerprint knows better. */
  readonly behindFingerprint?: true;
}

/** Pages of the tables that are damaged. */
export const TABLE_PAGES = 20;

export const SOURCE_DAMAGES: readonly SourceDamage[] = [
  {
    what: 'a line pointer that leads nowhere',
    relation: '%',
    damage: (random) => brokenLinePointer(random.below(TABLE_PAGES), random.between(1, 20)),
  },
  {
    what: 'a page of garbage in a table',
    relation: '%',
    damage: (random) => garbagePage(random.below(TABLE_PAGES)),
  },
  { what: 'an entry missing in an index', relation: '%_pkey', damage: () => dropBtreeEntry },
  {
    what: 'a page of garbage in an index',
    relation: '%_pkey',
    damage: (random) => garbagePage(random.between(1, 4)),
  },
  {
    what: 'a page of zeros in an index',
    relation: '%_pkey',
    damage: (random) => zeroPage(random.between(1, 4)),
  },
  { what: 'the file of a table missing', relation: '%', damage: () => removeFile },
  { what: 'the file of an index missing', relation: '%_pkey', damage: () => removeFile },
  {
    what: 'a page of zeros in a table, behind the fingerprint',
    relation: '%',
    damage: (random) => zeroPage(random.below(TABLE_PAGES)),
    behindFingerprint: true,
  },
  {
    what: 'a table a page too short, behind the fingerprint',
    relation: '%',
    damage: () => cutLastPage,
    behindFingerprint: true,
  },
  {
    what: 'a page of garbage in a TOAST table',
    relation: '% toast',
    damage: (random) => garbagePage(random.below(4)),
  },
];
