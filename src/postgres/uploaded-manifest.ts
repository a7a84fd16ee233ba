import { createHash } from 'node:crypto';

/** A visibility map, under its own name or as changes to it; later segments have a number behind. */
const VISIBILITY_MAP = /_vm(\.\d+)?$/;

/** Whether a file of the cluster is the visibility map of a relation. */
export function isVisibilityMap(path: string): boolean {
  return VISIBILITY_MAP.test(path);
}

/**
 * A backup's manifest as the server is given it for the next incremental backup: without the visibility maps, so that it
 * sends those whole.
 *
 * Servers clear bits of visibility maps without naming the page in the log: before 17.11 and 18.6 whenever a row changes, after
 * that (up to 18.6 at least) when a relation is cut off without checksums and wal_log_hints. WAL summaries miss such pages, and a
 * restored cluster would find deleted rows through index-only scans, or skip rows when it freezes (pgsql-hackers, "Why
 * clearing the VM doesn't require registering vm buffer", March 2026; "Fix stale visibility maps in incremental backups
 * after heap truncation", October 2026). A map has one byte for each 32 KiB of its table.
 *
 * A file that the manifest does not list counts as new and is sent whole (basebackup_incremental.c, GetFileBackupMethod).
 *
 * @param parts the manifest as the server once sent it, a file on each line, its SHA-256 in the last one
 */
export async function* withoutVisibilityMaps(parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const lines = new ManifestLines();
  let partial = '';
  for await (const part of parts) {
    // latin1 keeps the bytes as they are
    const found = (partial + part.toString('latin1')).split('\n');
    partial = found.pop() ?? '';
    const text = found.map((line) => lines.next(line)).join('');
    if (text !== '') yield Buffer.from(text, 'latin1');
  }
}

/** Gives for each line what is to be sent in its place; a file waits for the next line, which decides on its comma. */
class ManifestLines {
  readonly #hash = createHash('sha256');
  #waiting: string | undefined;

  next(line: string): string {
    if (line.startsWith('"Manifest-Checksum"'))
      return `"Manifest-Checksum": "${this.#hash.digest('hex')}"}\n`;
    if (!/^\{ "(Encoded-)?Path"/.test(line)) return this.#hashed(`${this.#waitingFile('\n')}${line}\n`);
    if (isVisibilityMap(pathOf(line))) return '';
    const before = this.#waitingFile(',\n');
    this.#waiting = line.replace(/,$/, '');
    return this.#hashed(before);
  }

  #waitingFile(end: string): string {
    const file = this.#waiting;
    this.#waiting = undefined;
    return file === undefined ? '' : `${file}${end}`;
  }

  #hashed(text: string): string {
    this.#hash.update(text, 'latin1');
    return text;
  }
}

/** Paths of relations are plain; those with other characters never end like a map's. */
function pathOf(line: string): string {
  return /^\{ "Path": "([^"]*)"/.exec(line)?.[1] ?? '';
}
