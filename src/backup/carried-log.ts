import type { Lsn } from '../postgres/lsn.ts';
import type { RelationLocator } from '../postgres/relation-file.ts';
import { filesOfRelation, readInitForkCreation } from '../postgres/wal-file-creation.ts';
import {
  directoryOfDatabase,
  readRelationMapUpdate,
  type RelationMapUpdate,
} from '../postgres/wal-relation-map.ts';
import { WalRecordReader } from '../postgres/wal-records.ts';
import { readTablespaceCreation, type TablespaceCreation } from '../postgres/wal-tablespace-creation.ts';
import { parseSegmentName, type WalSegment } from '../postgres/wal-segment.ts';

const WAL_DIRECTORY = 'pg_wal/';

/**
 * Reads the WAL that a backup carries, as it comes, for what a restore has to know of it before it makes anything:
 *
 * - **Unlogged relations that were created** while the backup ran. Their main fork may have been sent before the init fork lay
 *   beside it, by which the server knows what not to send. Recovery makes the init fork from the log and at its end copies it
 *   to the main fork, with which it fails if that is there: "could not create file …: File exists" (reinit.c,
 *   ResetUnloggedRelations). So the restore leaves those files out; they are empty after any recovery.
 * - **Relation maps that were written anew** (VACUUM FULL and REINDEX of pg_class and the like) in a database that was dropped
 *   before its directory was sent. Recovery writes the map before it comes to the drop, and makes no directory for it: "could
 *   not open file …/pg_filenode.map.tmp" (relmap_redo; seen on 16). So the restore makes an empty one.
 * - **Tablespaces that were made**: recovery makes them in the directory of the original (`TablespaceGuard`).
 */
export class CarriedLog {
  readonly #segmentSize: number;
  readonly #major: number;
  readonly #unlogged: RelationLocator[] = [];
  readonly #relationMaps: (RelationMapUpdate & { readonly at: Lsn })[] = [];
  readonly #tablespaces: (TablespaceCreation & { readonly at: Lsn })[] = [];
  #reader: WalRecordReader | undefined;
  #last: WalSegment | undefined;
  #inSegment = false;
  /** One reader read all of it so far. */
  #isWhole = true;

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
      this.#isWhole = this.#reader === undefined;
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
      const relation = readInitForkCreation(record);
      if (relation !== undefined) this.#unlogged.push(relation);
      const map = readRelationMapUpdate(record);
      if (map !== undefined) this.#relationMaps.push({ ...map, at: record.start });
      const tablespace = readTablespaceCreation(record);
      if (tablespace !== undefined) this.#tablespaces.push({ ...tablespace, at: record.start });
    }
  }

  /**
   * Those that a recovery from `start` on makes; the first segment begins before that. Undefined where the log was not read up to
   * the backup's end in one go, so that nobody knows: what lies behind a timeline's end, or cannot be read by this release.
   */
  madeTablespaces(start: Lsn, stop: Lsn): readonly TablespaceCreation[] | undefined {
    const isKnown = this.#isWhole && this.#reader !== undefined && this.#reader.end.position >= stop;
    return isKnown ? this.#tablespaces.filter(({ at }) => at >= start) : undefined;
  }

  /** Directories that recovery from that position on needs and that are not among these. */
  missingDirectories(start: Lsn, directories: ReadonlySet<string>): ReadonlySet<string> {
    const needed = this.#relationMaps
      .filter(({ at }) => at >= start)
      .flatMap((update) => directoryOfDatabase(update, directories) ?? []);
    return new Set(needed.filter((path) => !directories.has(path)));
  }

  /** Those of these paths that a restore has to leave out. */
  filesToLeaveOut(paths: Iterable<string>): string[] {
    if (this.#unlogged.length === 0) return [];
    const patterns = this.#unlogged.map(filesOfRelation);
    return [...paths].filter((path) => patterns.some((pattern) => pattern.test(path)));
  }
}
