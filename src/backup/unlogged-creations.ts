import type { RelationLocator } from '../postgres/relation-file.ts';
import { filesOfRelation, readInitForkCreation } from '../postgres/wal-file-creation.ts';
import { WalRecordReader } from '../postgres/wal-records.ts';
import { parseSegmentName, type WalSegment } from '../postgres/wal-segment.ts';

const WAL_DIRECTORY = 'pg_wal/';

/**
 * Reads the WAL that a backup carries for unlogged relations that were created while it ran. Their main fork may have been
 * sent before the init fork lay beside it, by which the server knows what not to send. Recovery makes the init fork from
 * the log and at its end copies it to the main fork, with which it fails if that is there: "could not create file …: File
 * exists" (reinit.c, ResetUnloggedRelations). So the restore leaves those files out; they are empty after any recovery.
 */
export class UnloggedCreations {
  readonly #segmentSize: number;
  readonly #major: number;
  readonly #found: RelationLocator[] = [];
  #reader: WalRecordReader | undefined;
  #last: WalSegment | undefined;
  #inSegment = false;

  constructor(segmentSize: number, major: number) {
    this.#segmentSize = segmentSize;
    this.#major = major;
  }

  /** A file of the backup begins. */
  fileStart(path: string): void {
    const name = path.startsWith(WAL_DIRECTORY) ? path.slice(WAL_DIRECTORY.length) : '';
    const segment = parseSegmentName(name, this.#segmentSize);
    this.#inSegment = segment !== undefined;
    if (segment === undefined) return;
    const goesOn = this.#last?.timeline === segment.timeline && this.#last.number + 1n === segment.number;
    if (!goesOn || this.#reader?.ended !== undefined) {
      const start = segment.number * BigInt(this.#segmentSize);
      this.#reader = new WalRecordReader({
        start,
        segmentSize: this.#segmentSize,
        check: 'headers',
        major: this.#major,
      });
    }
    this.#last = segment;
  }

  /** Bytes of the file that began last. */
  fileBytes(buffer: Buffer, start: number, end: number): void {
    if (!this.#inSegment || this.#reader === undefined) return;
    for (const record of this.#reader.push(buffer.subarray(start, end))) {
      const created = readInitForkCreation(record);
      if (created !== undefined) this.#found.push(created);
    }
  }

  /** Those of these paths that a restore has to leave out. */
  filesToLeaveOut(paths: Iterable<string>): string[] {
    if (this.#found.length === 0) return [];
    const patterns = this.#found.map(filesOfRelation);
    return [...paths].filter((path) => patterns.some((pattern) => pattern.test(path)));
  }
}
