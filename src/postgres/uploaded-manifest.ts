import { createHash } from 'node:crypto';

/** A visibility map, under its own name or as changes to it; later segments have a number behind. */
const VISIBILITY_MAP = /_vm(\.\d+)?$/;

/** Whether a file of the cluster is the visibility map of a relation. */
export function isVisibilityMap(path: string): boolean {
  return VISIBILITY_MAP.test(path);
}

/**
 * A backup's manifest as the server is given it for the next incremental backup: without the files that are to come whole.
 * A file that the manifest does not list counts as new and is sent whole (basebackup_incremental.c, GetFileBackupMethod).
 *
 * @param parts the manifest as the server once sent it, a file on each line, its SHA-256 in the last one
 * @param comesWhole is asked of every path, which may be one of changes (`INCREMENTAL.…`)
 */
export async function* manifestToUpload(
  parts: AsyncIterable<Buffer>,
  comesWhole: (path: string) => boolean,
): AsyncGenerator<Buffer> {
  const lines = new ManifestLines(comesWhole);
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
  readonly #comesWhole: (path: string) => boolean;
  #waiting: string | undefined;

  constructor(comesWhole: (path: string) => boolean) {
    this.#comesWhole = comesWhole;
  }

  next(line: string): string {
    if (line.startsWith('"Manifest-Checksum"'))
      return `"Manifest-Checksum": "${this.#hash.digest('hex')}"}\n`;
    if (!/^\{ "(Encoded-)?Path"/.test(line)) return this.#hashed(`${this.#waitingFile('\n')}${line}\n`);
    if (this.#comesWhole(pathOf(line))) return '';
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

/** Paths of relations are plain; others with other characters come whole anyway, and are empty here. */
function pathOf(line: string): string {
  return /^\{ "Path": "([^"]*)"/.exec(line)?.[1] ?? '';
}
