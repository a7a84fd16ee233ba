import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { makeScratch, type Scratch } from '../support/backup-runner.ts';
import { recordBed, type BedOptions, type RecordedBed } from '../support/point-in-time/recorded-bed.ts';
import { restoreToTargets } from '../support/point-in-time/restore-targets.ts';
import { majors } from '../support/postgres-server.ts';
import { SeededRandom } from '../support/seeded-random.ts';

const TARGETS = 200;
const LIMIT_MS = 3_600_000;
/** Switched segments are whole files however little they hold: few of them where they are large. */
const SIZES = [
  { walSegmentSizeMb: 1, switches: 6 },
  { walSegmentSizeMb: 16, switches: 2 },
  { walSegmentSizeMb: 64, switches: 1 },
];

/** Every version with every size of segments; every other one is promoted half way, every fifth stored uncompressed. */
const BEDS = majors
  .flatMap((major) => SIZES.map(({ walSegmentSizeMb, switches }) => ({ major, walSegmentSizeMb, switches })))
  .map(({ switches, ...server }, index): BedOptions => {
    const workload = { sessions: 5, transactions: 25, switches };
    return { ...server, promoted: index % 2 === 1, compressionLevel: index % 5 === 2 ? 0 : 1, workload };
  });

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch();
});
afterAll(async () => scratch[Symbol.asyncDispose]());

test(
  'two hundred random points in time bring back the rows that were committed then, and no others',
  async () => {
    const random = new SeededRandom();
    const beds: RecordedBed[] = [];
    for (const [index, options] of BEDS.entries()) {
      beds.push(await recordBed(join(scratch.path, `bed-${index}`), options, random.below(2 ** 32)));
    }
    const report = await restoreToTargets(beds, TARGETS, random);
    process.stdout.write(`${report.summary}\n`);
    expect(report.misses).toEqual([]);
  },
  LIMIT_MS,
);
