import type { Clock } from '../../clock.ts';
import type { ChooseTables } from '../../postgres/sql/fingerprint/look-into-database.ts';
import { lookAtCluster } from '../../postgres/sql/fingerprint/look-at-cluster.ts';
import type { ClusterLook, DatabaseFacts } from '../../postgres/sql/fingerprint/look.ts';
import type { Session } from '../../postgres/sql/session.ts';
import type { RowExpectation, SchemaFingerprint } from '../../repository/fingerprint/schema-fingerprint.ts';

/** What a restored copy holds. */
export type CopyInventory = ClusterLook;

/** A table that nobody counted at its source is counted so far, to be compared with an estimate. */
export const MOST_ESTIMATED = 100_000;

/**
 * Looks at a running copy with the same queries that looked at its source. Call it when recovery has ended at the end of the
 * backup, before anything is written there. What cannot be looked at is in the answer, with the reason.
 * @param openDatabase logs in as a superuser
 * @throws LarderError when not even the databases can be listed; the signal's reason
 */
export async function inspectCopy(
  openDatabase: (database: string) => Promise<Session>,
  expected: SchemaFingerprint,
  { clock, signal, limit }: { readonly clock: Clock; readonly signal: AbortSignal; readonly limit: number },
): Promise<CopyInventory> {
  return lookAtCluster({
    openDatabase,
    database: anyDatabase(expected),
    clock,
    signal,
    limit,
    stay: undefined,
    settledBefore: expected.settledBefore,
    chooseTables: comparableTables(expected),
  });
}

/** One that the copy must have; a cluster may have been left without the database `postgres`. */
function anyDatabase({ databases }: SchemaFingerprint): string {
  const steady = databases.filter(
    ({ presence, template, notLookedAt }) => presence === 'steady' && !template && notLookedAt === null,
  );
  return (steady.find(({ name }) => name === 'postgres') ?? steady[0])?.name ?? 'postgres';
}

/** What the fingerprint knows something of, and of that no more than is needed to compare it. */
function comparableTables(expected: SchemaFingerprint): ChooseTables {
  const databases = new Map(expected.databases.map(({ oid, objects }) => [oid, objects]));
  return ({ oid }: DatabaseFacts, tables) => {
    const rows = new Map<number, RowExpectation>();
    for (const object of databases.get(oid) ?? [])
      if (object.rows !== undefined) rows.set(object.oid, object.rows);
    return {
      count: tables.filter((table) => rows.get(table.oid)?.kind === 'counted'),
      upTo: tables.flatMap((table) => {
        const known = rows.get(table.oid);
        return known?.kind === 'estimated'
          ? [{ oid: table.oid, limit: Math.min(known.least, MOST_ESTIMATED) }]
          : [];
      }),
    };
  };
}
