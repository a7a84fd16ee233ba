import { printable } from '../format.ts';

export interface Column {
  readonly title: string;
  /** Numbers stand at the right. */
  readonly right?: boolean;
}

/** Rows under a line of titles, every column as wide as its widest cell. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map(({ title }) => title), ...rows.map((row) => row.map(printable))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => width(line[index] ?? ''))));
  const format = (line: readonly string[]): string =>
    columns
      .map(({ right }, index) => pad(line[index] ?? '', widths[index] ?? 0, right === true))
      .join('  ')
      .trimEnd();
  return `${lines.map(format).join('\n')}\n`;
}

/** Names and values, one pair a line, the values under each other. */
export function formatPairs(pairs: readonly (readonly [name: string, value: string])[]): string {
  const longest = Math.max(0, ...pairs.map(([name]) => width(name)));
  return pairs.map(([name, value]) => `${pad(name, longest, false)}  ${printable(value)}\n`).join('');
}

function pad(text: string, wanted: number, right: boolean): string {
  const blanks = ' '.repeat(Math.max(0, wanted - width(text)));
  return right ? `${blanks}${text}` : `${text}${blanks}`;
}

/** Characters, not UTF-16 units. */
function width(text: string): number {
  return Array.from(text).length;
}
