/**
 * The Markdown file that people read (`docs/backup-test-results.md`). Each entry stands between two comments:
 *
 *     <!-- larder:entry 2026-11-26T10:15:04.000Z -->
 *     …
 *     <!-- larder:end -->
 *
 * Everything outside of such a pair is the readers' own, and stays as it is to the byte.
 */
const END = '<!-- larder:end -->';

/** An entry holds no beginning of another: one that lost its end is taken for prose, and swallows nothing. */
const ENTRY =
  /^<!-- larder:entry (\d{4}-\d\d-\d\dT[\d:.]+Z) -->\r?\n(?:(?!<!-- larder:(?:entry|end) )[^\n]*\n)*?<!-- larder:end -->[^\S\n]*(?:\n(?:[^\S\n]*\n)?|$)/gm;

const PREFACE = `# Results of restore tests and drills

Larder adds an entry to this file after each restore test and drill, the newest first, and removes entries that are older than
a year. What is written outside of the entries stays as it is.

`;

export interface ResultsEntry {
  /** When it was recorded, ms since 1970 UTC. */
  readonly time: number;
  /** Markdown, without what could end the entry: `escapeMarkdown` leaves no comment in it. */
  readonly text: string;
}

/**
 * The file's text with one entry more, above the others, and without those that were recorded before `keepFrom`
 * (ms since 1970 UTC). Pure.
 * @param text undefined where there is no file yet
 */
export function withEntry(text: string | undefined, entry: ResultsEntry, keepFrom: number): string {
  const kept = withoutOldEntries(text ?? PREFACE, keepFrom);
  const time = new Date(entry.time).toISOString();
  const block = `<!-- larder:entry ${time} -->\n${entry.text.trimEnd()}\n${END}\n\n`;
  const first = kept.search(ENTRY);
  if (first >= 0) return `${kept.slice(0, first)}${block}${kept.slice(first)}`;
  const separator = kept === '' || kept.endsWith('\n\n') ? '' : kept.endsWith('\n') ? '\n' : '\n\n';
  return `${kept}${separator}${block}`;
}

function withoutOldEntries(text: string, keepFrom: number): string {
  // a time that is none is nobody's to remove
  return text.replace(ENTRY, (entry, time: string) => (Date.parse(time) < keepFrom ? '' : entry));
}
