import { median } from './targets.ts';

/** The median, and of several values the lowest and the highest too. */
export function spread(values: readonly number[], digits: number): string {
  const middle = (median(values) ?? 0).toFixed(digits);
  if (values.length < 2) return middle;
  return `${middle} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`;
}

/** Decimal, as sizes of data are given. */
export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

/** Binary, as memory is given. */
export function mebibytes(bytes: number): string {
  return (bytes / (1024 * 1024)).toFixed(0);
}

/** A table of Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
