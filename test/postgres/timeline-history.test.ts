import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  formatTimelineHistory,
  parseTimelineHistory,
  timelineAt,
} from '../../src/postgres/timeline-history.ts';

const histories = fc
  .array(fc.record({ step: fc.integer({ min: 1, max: 5 }), end: fc.bigInt(0n, (1n << 64n) - 1n) }), {
    maxLength: 20,
  })
  .map((steps) => {
    let timeline = 0;
    return steps.map(({ step, end }) => ({ timeline: (timeline += step), end }));
  });

describe('a timeline history', () => {
  test('comes back as it was written, with the reasons left out', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const last = (history.at(-1)?.timeline ?? 0) + 1;
        expect(
          parseTimelineHistory(formatTimelineHistory(history, 'no recovery target specified'), last),
        ).toEqual(history);
      }),
    );
  });

  test('is read as a server writes it, with comments and blank lines', () => {
    const text =
      '1\t0/3000148\tno recovery target specified\n\n# by hand\n3\t16/B374D848\tbefore 2000-01-01 00:00:00+00\n';
    expect(parseTimelineHistory(text, 4)).toEqual([
      { timeline: 1, end: 0x3000148n },
      { timeline: 3, end: 0x16b374d848n },
    ]);
  });

  test.each([
    ['a position that is none', '1\tnowhere\tx\n', 2],
    ['timelines that do not increase', '2\t0/1\tx\n1\t0/2\tx\n', 3],
    ['a parent that is not older than its child', '3\t0/1\tx\n', 3],
    ['half a line', '1\n', 2],
  ])('is refused with %s', (_, text, timeline) => {
    expect(() => parseTimelineHistory(text, timeline)).toThrow(
      expect.objectContaining({ code: 'OBJECT_DAMAGED' }),
    );
  });

  test('says on which timeline a position counts', () => {
    const history = [
      { timeline: 1, end: 100n },
      { timeline: 3, end: 200n },
    ];
    expect([0n, 99n, 100n, 199n, 200n, 5000n].map((lsn) => timelineAt(history, 7, lsn))).toEqual([
      1, 1, 3, 3, 7, 7,
    ]);
  });
});
