import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { withEntry } from '../../../src/report/records/results-file.ts';

const DAY = 86_400_000;
const time = Date.parse('2026-11-26T10:15:04Z');
const entry = (text: string, at = time) => ({ time: at, text });

/** What is left without the entries, each with the empty line behind it. */
function proseOf(text: string): string {
  return text.replace(/^<!-- larder:entry \d\S+ -->\n[^]*?^<!-- larder:end -->\n\n?/gm, '');
}

describe('the results file', () => {
  test('begins with a word on what it is', () => {
    const text = withEntry(undefined, entry('## one'), 0);
    expect(text).toMatch(/^# Results of restore tests and drills\n/);
    expect(text).toContain('<!-- larder:entry 2026-11-26T10:15:04.000Z -->\n## one\n<!-- larder:end -->\n');
  });

  test('has its newest entry on top, and prose above and between stays where it is', () => {
    const first = withEntry('# Ours\n\nRead this first.\n', entry('one'), 0);
    const noted = first.replace('<!-- larder:end -->\n', '<!-- larder:end -->\n\nA remark of ours.\n');
    const text = withEntry(noted, entry('two', time + DAY), 0);
    expect(text.indexOf('two')).toBeLessThan(text.indexOf('one'));
    expect(text.indexOf('Read this first')).toBeLessThan(text.indexOf('two'));
    expect(text.indexOf('A remark of ours')).toBeGreaterThan(text.indexOf('one'));
  });

  test('loses entries that are too old, and nothing else', () => {
    const old = withEntry('Prose.\n', entry('one', time - 400 * DAY), 0);
    const young = withEntry(old, entry('two', time - 300 * DAY), 0);
    const text = withEntry(young, entry('three'), time - 366 * DAY);
    expect(text).not.toContain('one');
    expect(text).toMatch(/Prose\.\n[^]*three[^]*two/);
  });

  test('an entry whose end was taken away is prose: it stays, and swallows no other', () => {
    const cut = withEntry(undefined, entry('one', time - 400 * DAY), 0).replace('<!-- larder:end -->', '');
    const text = withEntry(withEntry(cut, entry('two'), 0), entry('three'), time - 366 * DAY);
    for (const each of ['one', 'two', 'three']) expect(text).toContain(each);
  });

  test('a file with the line ends of Windows keeps them, and its old entries still go', () => {
    const old = withEntry('Prose.\n', entry('one', time - 400 * DAY), 0).replaceAll('\n', '\r\n');
    const text = withEntry(old, entry('two'), time - 366 * DAY);
    expect(text).toMatch(/^Prose\.\r\n/);
    expect(text).not.toContain('one');
  });

  test('whatever the prose, it is the same after any number of entries', () => {
    const line = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('', '# x', '<!-- larder:end -->', '<!-- larder:entry x -->', '<!-- a -->'),
    );
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 8 }),
        fc.array(fc.integer({ min: -800, max: 0 }), { minLength: 1, maxLength: 6 }),
        (lines, days) => {
          const prose = lines.join('\n');
          let text = prose;
          for (const day of days)
            text = withEntry(text, entry('text', time + day * DAY), time + (day - 366) * DAY);
          const left = proseOf(text);
          // where prose did not end with an empty line, one was put between
          expect(left.slice(0, prose.length)).toBe(prose);
          expect(left.slice(prose.length)).toMatch(/^\n{0,2}$/);
        },
      ),
    );
  });
});
