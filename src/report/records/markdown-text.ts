import { printable } from '../../format.ts';

/**
 * Text that came from outside, as Markdown that shows it and does nothing: on one line, without markup, links, cells or
 * HTML. Names of tables and words of servers end up here.
 */
export function escapeMarkdown(text: string): string {
  return printable(text)
    .replace(/[&<>]/g, (character) => ENTITIES[character] ?? character)
    .replace(/[\\`*[\]|#~!]/g, '\\$&')
    .replace(/(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, '\\_');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Rows under a line of titles. Cells are Markdown already. */
export function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return `${line(titles)}${line(titles.map(() => '---'))}${rows.map(line).join('')}`;
}
