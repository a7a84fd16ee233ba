import { describe, expect, test } from '@jest/globals';
import { logFacts } from '../../src/observability/log-facts.ts';
import type { WalIndex } from '../../src/repository/wal/wal-index.ts';
import { backupFacts } from '../support/monitoring/backup-facts.ts';

const SEGMENT = 16 * 1024 * 1024;
const systemIdentifier = '7381902837465019283';
const at = (text: string) => Date.parse(`2026-11-22T${text}:00Z`);
const lsn = (segment: number) => BigInt(segment) * BigInt(SEGMENT);

/** An archive with whole segments of timeline 1, and a receiver that was as far as the last of them at 12:00. */
function archive(segments: number[], more: Partial<WalIndex> = {}): WalIndex {
  const last = Math.max(0, ...segments) + 1;
  return {
    systemIdentifier,
    segmentSize: SEGMENT,
    segments: segments.map((number) => ({ timeline: 1, number: BigInt(number) })),
    tails: [],
    histories: new Map(),
    holes: [],
    pruned: new Map(),
    received: { timeline: 1, stored: lsn(last), complete: at('12:00'), updated: at('12:00') },
    damaged: [],
    objects: segments.length,
    storedBytes: segments.length * 1000,
    ...more,
  };
}
/** A backup whose end lies within a segment. */
const backup = (ended: string, segment: number) =>
  backupFacts({ ended: at(ended), end: { systemIdentifier, timeline: 1, lsn: lsn(segment) + 100n } });

test('from the end of the oldest backup that the log goes on from, to the last word of the receiver', () => {
  expect(logFacts(archive([4, 5, 6, 7]), [backup('10:00', 4), backup('11:00', 6)])).toEqual({
    storedBytes: 4000,
    segments: 4,
    missingSegments: 0,
    damaged: 0,
    window: { from: at('10:00'), until: at('12:00') },
  });
});

describe('a hole', () => {
  test('ends the window of the backups before it, and counts for each of its segments', () => {
    const facts = logFacts(archive([4, 5, 8, 9]), [backup('10:00', 4), backup('11:00', 8)]);
    expect(facts).toMatchObject({ missingSegments: 2, window: { from: at('11:00'), until: at('12:00') } });
  });

  test('counts once, also where it lies in front of everything that is stored', () => {
    const facts = logFacts(archive([8, 9]), [backup('09:00', 4), backup('10:00', 5), backup('11:00', 8)]);
    expect(facts).toMatchObject({ missingSegments: 3, window: { from: at('11:00') } });
  });

  test('that no backup would be rolled forward through is none', () => {
    expect(logFacts(archive([4, 5, 8, 9]), [backup('11:00', 8)]).missingSegments).toBe(0);
  });

  test('at the end shows by how far the receiver was, whose word then counts no more', () => {
    const lost = archive([4, 5], {
      received: { timeline: 1, stored: lsn(9), complete: at('12:00'), updated: 0 },
    });
    expect(logFacts(lost, [backup('10:00', 4)])).toMatchObject({
      missingSegments: 3,
      window: { from: at('10:00'), until: at('10:00') },
    });
  });

  test('that retention made is none', () => {
    const pruned = archive([8, 9], { pruned: new Map([[1, lsn(8)]]) });
    expect(logFacts(pruned, [backup('09:00', 4), backup('11:00', 8)])).toMatchObject({
      missingSegments: 0,
      window: { from: at('11:00'), until: at('12:00') },
    });
  });
});

test('a backup that did not pass opens no window', () => {
  const quarantined = { ...backup('10:00', 4), state: 'quarantined' as const };
  expect(logFacts(archive([4, 5, 6]), [quarantined, backup('11:00', 5)]).window?.from).toBe(at('11:00'));
});

test('a backup whose own log is not stored yet does not move the window, one whose log stays away does', () => {
  const before = archive([4, 5, 6]);
  const fresh = backup('12:10', 9);
  expect(logFacts(before, [backup('10:00', 4), fresh]).window).toEqual({
    from: at('10:00'),
    until: at('12:00'),
  });
  const late = backup('12:20', 9);
  expect(logFacts(before, [backup('10:00', 4), late]).window).toEqual({
    from: at('12:20'),
    until: at('12:20'),
  });
});

test('without any log the newest backup is the only point', () => {
  const nothing = archive([], { received: undefined, objects: 0, storedBytes: 0 });
  expect(logFacts(nothing, [backup('10:00', 4), backup('11:00', 6)])).toMatchObject({
    damaged: 0,
    window: { from: at('11:00'), until: at('11:00') },
  });
});

test('a lost history leaves the missing segments unknown, and is told', () => {
  const second = archive([4, 5], {
    received: { timeline: 2, stored: lsn(6), complete: undefined, updated: 0 },
  });
  expect(logFacts(second, [backup('10:00', 4)])).toMatchObject({ missingSegments: undefined, damaged: 1 });
});

test('thousands of backups over a week of log take no time to speak of', () => {
  const segments = Array.from({ length: 10_000 }, (_, index) => index);
  const backups = Array.from({ length: 5000 }, (_, index) => backup('10:00', 2 * index));
  const begun = performance.now();
  expect(logFacts(archive(segments), backups).missingSegments).toBe(0);
  expect(performance.now() - begun).toBeLessThan(2000);
});
