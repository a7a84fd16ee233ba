import type { Lsn } from '../../lsn.ts';

/** What one look at a cluster finds: the same on the server that is backed up and on a restored copy. */
export interface ClusterLook {
  /**
   * 64-bit transaction id; every transaction before it had ended when the look began. What such a transaction wrote is
   * called settled: it is there for good, unless something removes it.
   */
  readonly settledBefore: bigint;
  /**
   * Behind the last transaction that had ended, whether all before it had, and whether one that writes had not ended, asked
   * first. A transaction whose commit is in the log already may not have ended: it waits for the disk or for a standby.
   */
  readonly activity: { readonly next: bigint; readonly idle: boolean; readonly writing: boolean };
  /** How far the log was when the look was over; on a standby, how far it was replayed. */
  readonly reached: Lsn;
  readonly server: ServerFacts;
  readonly databases: readonly DatabaseLook[];
}

/**
 * Whether no transaction that writes ended, or wrote its commit into the log, from the beginning of the earlier look to that of
 * the later one.
 */
export function sawTheSame(
  before: Pick<ClusterLook, 'activity'>,
  after: Pick<ClusterLook, 'activity'>,
): boolean {
  return before.activity.idle && before.activity.next === after.activity.next && !after.activity.writing;
}

/** For care across versions: what sorting and encoding depend on. `null`: the server does not tell. */
export interface ServerFacts {
  /** `server_version_num`. */
  readonly versionNumber: number;
  readonly dataChecksums: boolean | null;
  /** Of the libraries that the server runs with now. */
  readonly collations: readonly CollationLibrary[];
}

export interface CollationLibrary {
  readonly provider: 'libc' | 'icu' | 'builtin';
  readonly version: string;
}

export interface DatabaseFacts {
  readonly oid: number;
  /** As `pathFromBytes` makes it of the bytes of any name: a database may have any encoding, or none. */
  readonly name: string;
  readonly encoding: string;
  readonly collate: string;
  readonly ctype: string;
  /** ICU or built-in locale; null with libc. */
  readonly locale: string | null;
  readonly provider: CollationLibrary['provider'];
  /** The version its indexes were sorted with, as it was recorded; null where there is none. */
  readonly collationVersion: string | null;
  /** The version that the server has now. */
  readonly actualCollationVersion: string | null;
  readonly template: boolean;
}

export interface DatabaseLook extends DatabaseFacts {
  /** Whether the cluster's list of databases names it since before the look that this one is compared with. */
  readonly settled: boolean;
  /** As `CatalogObject.firm`. */
  readonly firm: boolean;
  /** Why nobody looked into it; null where somebody did. Never the same as empty. */
  readonly notLookedAt: string | null;
  readonly objects: readonly CatalogObject[];
}

export const OBJECT_KINDS = [
  'schema',
  'table',
  'partitioned table',
  'materialized view',
  'view',
  'foreign table',
  'index',
  'sequence',
  'function',
  'extension',
] as const;
export type CatalogObjectKind = (typeof OBJECT_KINDS)[number];

export interface CatalogObject {
  readonly kind: CatalogObjectKind;
  readonly oid: number;
  /** Empty for schemas and extensions. As `DatabaseFacts.name`. */
  readonly schema: string;
  readonly name: string;
  /** Of the definition as the catalogue holds it, with the transactions that wrote it: 16 hexadecimal digits. */
  readonly digest: string;
  /** Whether the catalogue's row was written by a settled transaction. */
  readonly settled: boolean;
  /** Whether no transaction that had not ended may be about to drop or to change it. */
  readonly firm: boolean;
  /** Of tables and materialized views that keep their rows through a crash; undefined for everything else. */
  readonly rows?: TableLook;
}

export interface TableLook {
  /** Changes with every rewrite: TRUNCATE, VACUUM FULL, CLUSTER, some of ALTER TABLE. */
  readonly filenode: number;
  /** What the server's statistics counted; lags behind, lost in a crash. */
  readonly live: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  /** What was counted of its first blocks, or why nothing was. */
  readonly counted: RowCount | string;
}

/** Rows in the first `COUNTED_BLOCKS` blocks. A row stays in its block for life: until it is removed, or the table rewritten. */
export interface RowCount {
  readonly rows: number;
  /** Of these, written by settled transactions. */
  readonly settled: number;
  /** Of these again, without those that a transaction which had not ended may be about to remove. */
  readonly firm: number;
}

/** 32 MiB: what is read of one table, at most. */
export const COUNTED_BLOCKS = 4096;
