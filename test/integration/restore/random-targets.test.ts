import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { makeScratch, type Scratch } from '../../support/backup-runner.ts';
import { recordBed, type BedOptions } from '../../support/point-in-time/recorded-bed.ts';
import { restoreToTargets } from '../../support/point-in-time/restore-targets.ts';
import { SeededRandom } from '../../support/seeded-random.ts';

/** A selection of what test/long/point-in-time.test.ts does. */
const TARGETS = 8;
const workload = { sessions: 4, transactions: 15, switches: 2 };
const BEDS: readonly BedOptions[] = [
  { major: 15, walSegmentSizeMb: 16, promoted: false, compressionLevel: 0, workload },
  { major: 18, walSegmentSizeMb: 1, promoted: true, compressionLevel: 1, workload },
];

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch();
});
afterAll(async () => scratch[Symbol.asyncDispose]());

test('random points in time bring back the rows that were committed then, and no others', async () => {
  const random = new SeededRandom();
  const beds = await Promise.all(
    BEDS.map((options, index) =>
      recordBed(join(scratch.path, `bed-${index}`), options, random.below(2 ** 32)),
    ),
  );
  const report = await restoreToTargets(beds, TARGETS, random);
  process.stdout.write(`${report.summary}\n`);
  expect(report.misses).toEqual([]);
}, 120_000);
