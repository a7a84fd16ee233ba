import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { positionName } from '../../src/repository/wal/wal-layout.ts';
import { archiveRecordName } from '../../src/repository/wal/wal-layout.ts';
import { makeScratch, type Scratch } from '../support/backup-runner.ts';
import { prepareDamagedLog } from '../support/log-damage/damaged-log-bed.ts';
import { runMatrix } from '../support/log-damage/damage-matrix.ts';
import { DAMAGES, type Damage } from '../support/log-damage/damages.ts';

/** On each of two timelines. */
const SEGMENTS = 26;
const LIMIT_MS = 3_600_000;

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch();
});
afterAll(async () => scratch[Symbol.asyncDispose]());

test(
  'no segment, tail, history or record of the log can be lost or damaged without every command saying so',
  async () => {
    const bed = await prepareDamagedLog(scratch.path, SEGMENTS);
    const segments = bed.objects.filter((object) => !object.includes('.tail_'));
    expect(segments.length).toBeGreaterThanOrEqual(40);
    const { systemIdentifier } = bed.index;
    const all = [
      ...bed.objects,
      bed.history,
      archiveRecordName(systemIdentifier),
      positionName(systemIdentifier),
    ];
    const cases = all.flatMap((object) =>
      Object.keys(DAMAGES).map((how) => ({ object, how: how as Damage })),
    );
    // a lost position takes nothing with it: a restore that goes to the end all the same says so
    const needed = cases.filter(
      ({ object, how }) => !(object.endsWith('position.json') && how === 'deleted'),
    );
    const report = await runMatrix(bed, scratch.path, needed);
    process.stdout.write(`${report.summary}\n`);
    expect(report.silent).toEqual([]);
  },
  LIMIT_MS,
);
