import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ProgressBar, progressText } from '../../src/cli/progress-bar.ts';
import { FakeClock } from '../support/fake-clock.ts';

function screen(isTerminal: boolean, columns = 80) {
  const written: string[] = [];
  return { written, output: { write: (text: string) => void written.push(text), isTerminal, columns } };
}

describe('the line', () => {
  test('has phase, bar, part, bytes, rate and time left', () => {
    expect(progressText({ phase: 'copying', doneBytes: 500e6, totalBytes: 2e9 }, 10)).toBe(
      'copying  [######                  ]   25%  500 MB of 2.00 GB  50.0 MB/s  30 s left',
    );
  });

  test('says no more than is known', () => {
    expect(progressText({ phase: 'checkpoint', doneBytes: 0 }, 100)).toBe('checkpoint');
    expect(progressText({ phase: 'copying', doneBytes: 5e6 }, 10)).toBe('copying  5.00 MB  500 kB/s');
    expect(progressText({ phase: 'copying', doneBytes: 5e6, totalBytes: 1e9 }, 0)).not.toMatch(/\/s|left/);
  });

  test('drops an estimate that was exceeded', () => {
    const text = progressText({ phase: 'copying', doneBytes: 3e9, totalBytes: 2e9 }, 10);
    expect(text).toBe('copying  [########################]  100%  3.00 GB  300 MB/s');
  });

  test('never shows more than 100 % nor a time below zero', () => {
    const bytes = fc.integer({ min: 0, max: 1e13 });
    fc.assert(
      fc.property(bytes, bytes, fc.double({ min: 0, max: 1e6, noNaN: true }), (done, total, seconds) => {
        const text = progressText({ phase: 'x', doneBytes: done, totalBytes: total }, seconds);
        expect(Number(/(\d+)%/.exec(text)?.[1] ?? 0)).toBeLessThanOrEqual(100);
        expect(text).not.toMatch(/-\d|NaN|Infinity/);
      }),
    );
  });
});

describe('on a terminal', () => {
  test('one line is redrawn ten times a second at most, at once in a new phase, and taken away at the end', async () => {
    const clock = new FakeClock();
    const { written, output } = screen(true);
    const bar = new ProgressBar(output, clock);
    bar.update({ phase: 'a', doneBytes: 0 });
    bar.update({ phase: 'a', doneBytes: 1 });
    await clock.advance(100);
    bar.update({ phase: 'a', doneBytes: 2 });
    bar.update({ phase: 'b', doneBytes: 2 });
    bar.clear();
    bar.clear();
    expect(written).toEqual(['\r\u001b[2Ka', '\r\u001b[2Ka  2 B', '\r\u001b[2Kb  2 B', '\r\u001b[2K']);
  });

  test('the line never wraps', () => {
    const { written, output } = screen(true, 20);
    new ProgressBar(output, new FakeClock()).update({ phase: 'copying', doneBytes: 1, totalBytes: 100 });
    expect(written[0]!.replace('\r\u001b[2K', '')).toHaveLength(19);
  });
});

test('elsewhere there is a line for each phase and every 10 seconds, without control characters', async () => {
  const clock = new FakeClock();
  const { written, output } = screen(false);
  const bar = new ProgressBar(output, clock);
  bar.update({ phase: 'a', doneBytes: 0 });
  await clock.advance(9_999);
  bar.update({ phase: 'a', doneBytes: 1 });
  await clock.advance(1);
  bar.update({ phase: 'a', doneBytes: 20 });
  bar.update({ phase: 'b', doneBytes: 20 });
  bar.clear();
  expect(written).toEqual(['a\n', 'a  20 B  2 B/s\n', 'b  20 B\n']);
});
