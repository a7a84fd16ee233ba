import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeScratch, type Scratch } from '../../support/backup-runner.ts';
import {
  damageBeforeHandStart,
  damageBeforeStart,
  damageDuringReplay,
} from '../../support/log-damage/damage-after-planning.ts';
import { runMatrix, type DamageCase } from '../../support/log-damage/damage-matrix.ts';
import { prepareDamagedLog, type DamagedLogBed } from '../../support/log-damage/damaged-log-bed.ts';
import { rollForward } from '../../support/rolled-forward.ts';

/** On each of two timelines. */
const SEGMENTS = 3;

let scratch: Scratch;
let bed: DamagedLogBed;
beforeAll(async () => {
  scratch = await makeScratch();
  bed = await prepareDamagedLog(scratch.path, SEGMENTS);
}, 60_000);
afterAll(async () => scratch[Symbol.asyncDispose]());

/** A selection of what test/long/log-damage.test.ts does: a middle and the last segment, the end, the history. */
test('what is lost or damaged of the log is named by every command, and nothing is restored', async () => {
  const segments = bed.objects.filter((object) => !object.includes('.tail_'));
  const cases: DamageCase[] = [
    { object: segments[segments.length >> 1]!, how: 'deleted' },
    { object: segments.at(-1)!, how: 'zeroed' },
    { object: bed.objects.at(-1)!, how: 'deleted' },
    { object: bed.history, how: 'truncated' },
  ];
  const report = await runMatrix(bed, scratch.path, cases);
  process.stdout.write(`${report.summary}\n`);
  expect(report.silent).toEqual([]);
}, 60_000);

describe('what is lost once everything was planned and restored ends the recovery with an error, never promoted:', () => {
  const last = (): DamageCase => ({ object: bed.objects.at(-1)!, how: 'deleted' });

  test('before the server is started to prove it', async () => {
    for (const lost of [last(), { object: bed.objects[2]!, how: 'flipped' } as const]) {
      const { error, promoted } = await damageBeforeStart(bed, scratch.path, lost);
      expect(error).toMatchObject({ code: 'RESTORE_FAILED' });
      expect(error.message).toContain(lost.object.split('/').at(-1)!.split('.')[0]);
      expect(promoted).toBe(false);
    }
  }, 60_000);

  test('while it replays', async () => {
    const { error, promoted } = await damageDuringReplay(bed, scratch.path, last());
    expect(error).toMatchObject({ code: 'RESTORE_FAILED' });
    expect(promoted).toBe(false);
  }, 60_000);

  test('before it is started by hand', async () => {
    const { error, promoted } = await damageBeforeHandStart(bed, scratch.path, last());
    expect(error).toMatchObject({ code: 'INSTANCE_FAILED' });
    expect(promoted).toBe(false);
  }, 60_000);
});

test('whole, it is restored to its last row', async () => {
  await using copy = await rollForward(bed.repository, {});
  const [row] = await copy.query('SELECT count(*) FROM filled');
  expect(Number(row?.['count'])).toBe(bed.rows);
}, 60_000);
