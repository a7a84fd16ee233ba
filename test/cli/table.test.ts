import { expect, test } from '@jest/globals';
import { formatPairs, formatTable } from '../../src/cli/table.ts';

test('columns are as wide as their widest cell, numbers at the right, no blanks at the ends', () => {
  const columns = [{ title: 'ID' }, { title: 'SIZE', right: true }, { title: 'STATE' }];
  const rows = [
    ['first', '1 B', 'ok'],
    ['käse🧀', '100 kB', 'ok, but long'],
  ];
  expect(formatTable(columns, rows)).toBe(
    ['ID       SIZE  STATE', 'first     1 B  ok', 'käse🧀  100 kB  ok, but long', ''].join('\n'),
  );
});

test('a cell stays on its line', () => {
  expect(formatTable([{ title: 'X' }], [['a\nb']]).split('\n')).toHaveLength(3);
  expect(formatPairs([['name', 'a\nb']])).toBe('name  a\ufffdb\n');
});

test('values stand under each other', () => {
  expect(
    formatPairs([
      ['a', '1'],
      ['long', '2'],
    ]),
  ).toBe('a     1\nlong  2\n');
  expect(formatPairs([])).toBe('');
});
