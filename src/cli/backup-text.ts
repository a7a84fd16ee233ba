import type { CommitRecord } from '../repository/commit-record.ts';
import { formatBytes, formatDuration, formatRatio, formatTime, plural, printable } from '../format.ts';

type Pair = readonly [name: string, value: string];

/** The facts of a backup for a reader; `seconds` is how long it took, where that was measured. */
export function backupFacts(record: CommitRecord, seconds = durationSeconds(record)): readonly Pair[] {
  const { sourceBytes, storedBytes, files, startLsn, stopLsn, timeline } = record;
  return [
    ['backup', record.id],
    ['state', stateText(record)],
    ...kindFacts(record),
    ['server', `PostgreSQL ${record.serverVersion}, system ${record.systemIdentifier}`],
    ['started', formatTime(record.startTime)],
    ['took', formatDuration(seconds)],
    ['source', `${formatBytes(sourceBytes)} in ${plural(files, 'file')}`],
    ...receivedFact(record),
    ['stored', `${formatBytes(storedBytes)} (${formatRatio(sourceBytes, storedBytes)})`],
    ['WAL', `${startLsn} to ${stopLsn}, timeline ${timeline}`],
  ];
}

/** What it builds on, or why it is a full one all the same. */
function kindFacts({ parent, fullBecause }: CommitRecord): readonly Pair[] {
  if (parent !== null) return [['builds on', parent]];
  return typeof fullBecause === 'string' ? [['full because', printable(fullBecause)]] : [];
}

/** What the server sent, where that is not the whole. */
function receivedFact({ type, receivedBytes }: CommitRecord): readonly Pair[] {
  return type === 'full' || receivedBytes === undefined ? [] : [['received', formatBytes(receivedBytes)]];
}

/** What else its commit record says. */
export function backupDetails(record: CommitRecord): readonly Pair[] {
  const { databases, tablespaces, writer } = record;
  const named = (databases ?? []).map(
    ({ name, bytes }) => `${name} (${bytes === null ? 'size unknown' : formatBytes(bytes)})`,
  );
  return [
    ['ended', formatTime(record.endTime)],
    ['databases', databases === null ? 'not known: the role could not ask' : named.join(', ')],
    [
      'tablespaces',
      tablespaces.length === 0
        ? 'none'
        : tablespaces.map(({ oid, location }) => `${oid} at ${location}`).join(', '),
    ],
    ['compression', record.compressionLevel === 0 ? 'none' : `zstd, level ${record.compressionLevel}`],
    ['taken by', `Larder ${record.larderVersion} on ${writer.host}, process ${writer.process}`],
  ];
}

/** `complete`, or what is wrong with it. */
export function stateText({ state, warnings }: CommitRecord): string {
  if (state === 'corrupt_source') return 'DAMAGED: the server found damaged pages while it sent it';
  return warnings.length === 0 ? 'complete' : `complete, ${plural(warnings.length, 'warning')}`;
}

/** A line for each warning; those of the server begin with their severity already. */
export function warningLines(warnings: readonly string[]): string {
  return warnings.map((text) => `${/^[A-Z]+: /.test(text) ? '' : 'warning: '}${printable(text)}\n`).join('');
}

/** Seconds, from the second in its name to its end. */
export function durationSeconds({ startTime, endTime }: CommitRecord): number {
  return (Date.parse(endTime) - Date.parse(startTime)) / 1000;
}

/** What programs get of a backup: its commit record without the list of its objects. */
export function backupJson({ objects, ...record }: CommitRecord): object {
  return { ...record, objectCount: objects.length };
}
