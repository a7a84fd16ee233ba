import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { RunRecord } from '../../src/scheduler/run-record.ts';
import { decodeRun, encodeRun, readRunLine } from '../../src/scheduler/run-record.ts';
import { aRun } from '../support/run-records.ts';

const moments = fc.integer({ min: 0, max: Date.parse('2100-01-01T00:00:00Z') });
const records: fc.Arbitrary<RunRecord> = fc.record(
  {
    id: fc.uuid(),
    cluster: fc.string(),
    task: fc.constant('backup_full' as const),
    reason: fc.constantFrom('schedule' as const, 'manual' as const, 'first' as const, 'catch_up' as const),
    started: moments,
    ended: moments,
    result: fc.constantFrom(
      'success' as const,
      'failure' as const,
      'timeout' as const,
      'interrupted' as const,
    ),
    errorCode: fc.constant('REPOSITORY_FULL' as const),
    errorMessage: fc.string({ unit: 'grapheme' }),
    hint: fc.string(),
    backupId: fc.string(),
    sourceBytes: fc.nat(),
    storedBytes: fc.nat(),
    warnings: fc.array(fc.string()),
    durationSeconds: fc.float({ min: 0, noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    process: fc.record(
      {
        host: fc.string(),
        pid: fc.nat(),
        bootId: fc.string(),
        pidNamespace: fc.string(),
        processStart: fc.string(),
      },
      { requiredKeys: ['host', 'pid'] },
    ),
  },
  { requiredKeys: ['id', 'cluster', 'task', 'reason', 'started', 'process'] },
);

test('a record comes back from its line as it was, and the line holds no line feed', () => {
  fc.assert(
    fc.property(records, (record) => {
      const line = encodeRun(record);
      expect(line).not.toContain('\n');
      expect(decodeRun(line)).toEqual(record);
    }),
  );
});

test('a line reads well: times are ISO 8601', () => {
  expect(JSON.parse(encodeRun(aRun()))).toMatchObject({ version: 2, started: '2026-11-22T02:00:00.000Z' });
});

test('no beginning of a line is taken for a record', () => {
  const line = encodeRun(aRun());
  for (let length = 0; length < line.length; length++)
    expect(decodeRun(line.slice(0, length))).toBeUndefined();
});

test('a record of a newer format is told from one that is damaged, and neither is taken for a record', () => {
  const line = encodeRun(aRun());
  expect(readRunLine(line.replace('"version":2', '"version":3'))).toEqual({ kind: 'newer' });
  expect(readRunLine(line.replace('backup_full', 'moon_shot'))).toEqual({ kind: 'unreadable' });
  expect(readRunLine('null')).toEqual({ kind: 'unreadable' });
});

test('a record of an earlier Larder, without a checksum, is read', () => {
  const run = aRun();
  const line = encodeRun(run)
    .replace('"version":2', '"version":1')
    .replace(/,"crc":"[0-9a-f]{8}"/, '');
  expect(decodeRun(line)).toEqual(run);
});

test('no flipped bit goes unnoticed', () => {
  const bytes = Buffer.from(encodeRun(aRun()));
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect(decodeRun(flipped.toString())).toBeUndefined();
  }
});
