import type { CatalogObjectKind, DatabaseFacts, ServerFacts } from '../../postgres/sql/fingerprint/look.ts';

/**
 * What a cluster held while it was backed up, from two looks: one before the backup began, one after its end. A copy that is
 * recovered to the end of the backup stands between the two, so what they agree on it must hold.
 */
export interface SchemaFingerprint {
  /** Of the first look (`ClusterLook.settledBefore`): which rows and objects were there before the backup began. */
  readonly settledBefore: bigint;
  readonly server: ServerFacts;
  readonly databases: readonly DatabaseFingerprint[];
}

export const PRESENCES = ['steady', 'changed', 'passing'] as const;
/** `steady`: the same in both looks; `changed`: in both, and different; `passing`: in one of them. */
export type Presence = (typeof PRESENCES)[number];

export interface DatabaseFingerprint extends DatabaseFacts {
  readonly presence: Presence;
  /** Why one of the looks did not go into it; null where both did. Never the same as empty. */
  readonly notLookedAt: string | null;
  readonly objects: readonly FingerprintObject[];
}

export interface FingerprintObject {
  readonly kind: CatalogObjectKind;
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly presence: Presence;
  /** 16 hexadecimal digits, the same in both looks; empty unless it is steady. */
  readonly digest: string;
  /** Of tables that both looks found; undefined for what has no rows of its own, and for unlogged tables. */
  readonly rows: RowExpectation | undefined;
}

/** What is known of a table's rows at the moment that a copy stands at. */
export type RowExpectation = CountedRows | EstimatedRows | UnknownRows;

/** Of the rows that were there before the backup began, in the table's first blocks (`COUNTED_BLOCKS`), this many are left. */
export interface CountedRows {
  readonly kind: 'counted';
  readonly least: number;
  /** null where only the later look could count. */
  readonly most: number | null;
  /** All rows that each look found there, for messages; null as above. */
  readonly before: number | null;
  readonly after: number;
}

/** By the server's statistics, which count what sessions report some time later. */
export interface EstimatedRows {
  readonly kind: 'estimated';
  readonly least: number;
  /** Whether nothing can have changed: no transaction ran between the looks. */
  readonly certain: boolean;
  /** Why it was not counted. */
  readonly why: string;
}

export interface UnknownRows {
  readonly kind: 'unknown';
  readonly why: string;
}
