import { describe, expect, test } from '@jest/globals';
import { readRecoveryLog, unproven } from '../../../src/restore/start/recovery-log.ts';

const line = (text: string): string => `2026-11-24 04:00:00.000 GMT [7] ${text}\n`;
const stopped = line('LOG:  recovery stopping after WAL location (LSN) "0/900120"');
const redone = line('LOG:  redo done at 0/900120 system usage: CPU: user: 0.00 s');
const promoted = line('LOG:  selected new timeline ID: 2');
const ready = line('LOG:  database system is ready to accept connections');
const end = { kind: 'end', lsn: 0x900120n } as const;

describe('the log of a recovery', () => {
  test('is a proof when it stopped at the target, replayed the last record, and accepts connections', () => {
    const log = readRecoveryLog(stopped + redone + promoted + ready);
    expect(log).toMatchObject({ redoDone: 0x900120n, timeline: 2, accepting: true, fatal: undefined });
    expect(unproven(log, end, true)).toBeUndefined();
  });

  test.each([
    ['it never stopped', redone + promoted + ready],
    ['it replayed less', stopped + redone.replace('900120', '900100') + ready],
    ['it ended early', stopped + redone],
    ['it replayed nothing', stopped + ready],
    ['it failed', stopped + redone + ready + line('FATAL:  could not restore file "x" from archive')],
    ['it said nothing', ''],
  ])('is none when %s', (_, text) => {
    expect(unproven(readRecoveryLog(text), end, true)).toBeDefined();
  });

  test('is not disturbed by those who connect too early', () => {
    const early = line('FATAL:  the database system is starting up');
    expect(unproven(readRecoveryLog(early + stopped + redone + ready), end, true)).toBeUndefined();
  });
});
