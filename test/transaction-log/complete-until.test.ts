import { describe, expect, test } from '@jest/globals';
import { CompleteUntil } from '../../src/transaction-log/complete-until.ts';

describe('the time until when everything is stored', () => {
  test('is that of the newest position before the end of what is stored', () => {
    const complete = new CompleteUntil();
    expect(complete.stored(1, 100n)).toBeUndefined();
    complete.know({ timeline: 1, lsn: 100n, time: 1 });
    complete.know({ timeline: 1, lsn: 100n, time: 2 });
    complete.know({ timeline: 1, lsn: 120n, time: 3 });
    expect(complete.stored(1, 90n)).toBeUndefined();
    expect(complete.stored(1, 100n)).toBe(2);
    expect(complete.stored(1, 110n)).toBe(2);
    expect(complete.stored(1, 120n)).toBe(3);
  });

  test('is not that of a new timeline which begins below what is stored of the old one, until it is followed', () => {
    const complete = new CompleteUntil();
    complete.know({ timeline: 1, lsn: 100n, time: 1 });
    complete.know({ timeline: 2, lsn: 85n, time: 2 });
    expect(complete.stored(1, 100n)).toBe(1);
    // nothing is known of the new timeline's end before that is stored
    expect(complete.stored(2, 80n)).toBeUndefined();
    expect(complete.stored(2, 85n)).toBe(2);
  });
});
