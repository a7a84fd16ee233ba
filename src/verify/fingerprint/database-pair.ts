import type { DatabaseLook } from '../../postgres/sql/fingerprint/look.ts';
import type { DatabaseFingerprint } from '../../repository/fingerprint/schema-fingerprint.ts';

/** A database of the fingerprint and what the copy has in its place. */
export interface DatabasePair {
  readonly expected: DatabaseFingerprint;
  readonly found: DatabaseLook;
}
