import fc from 'fast-check';
import type { CatalogObject, ClusterLook } from '../../../src/postgres/sql/fingerprint/look.ts';

/**
 * A cluster as a history of transactions, from which both looks and the copy are made: what a look sees is what was visible
 * then, what the copy holds is what the log says up to the end of the backup. Times are whole numbers.
 */
export interface History {
  readonly transactions: readonly Transaction[];
  readonly objects: readonly (readonly Version[])[];
  readonly tables: readonly (readonly Version[])[];
  readonly times: { readonly before: number; readonly stop: number; readonly after: number };
}

interface Transaction {
  readonly begun: number;
  /** When its commit was in the log. */
  readonly logged: number;
  /** When others could see it: later, where it waits for a synchronous standby. */
  readonly visible: number;
}

/** A row, or a row of the catalogue, as one transaction wrote it. Numbers are indexes of `transactions`. */
interface Version {
  readonly by: number;
  readonly removedBy: number | undefined;
  /** When the remover put its mark on it. */
  readonly marked: number;
}

const FIRST_XID = 1000n;
const LAST = 1000;

const transaction = fc
  .tuple(fc.nat(LAST), fc.nat(300), fc.oneof(fc.constant(0), fc.nat(200)))
  .map(([begun, duration, wait]): Transaction => ({
    begun,
    logged: begun + duration,
    visible: begun + duration + wait,
  }));
/** Numbered in the order in which they began. */
const transactions = fc
  .array(transaction, { minLength: 1, maxLength: 12 })
  .map((all) => all.toSorted((a, b) => a.begun - b.begun));

export const history: fc.Arbitrary<History> = transactions.chain((all) => {
  const one = fc.record({ by: fc.nat(all.length - 1), remover: fc.nat(all.length * 2), mark: fc.nat(100) });
  const version = one.map(({ by, remover, mark }): Version => {
    const removing = all[remover];
    const possible = removing !== undefined && removing.logged > all[by]!.visible;
    if (!possible) return { by, removedBy: undefined, marked: Number.POSITIVE_INFINITY };
    const earliest = Math.max(removing.begun, all[by]!.visible);
    return {
      by,
      removedBy: remover,
      marked: earliest + Math.floor(((removing.logged - earliest) * mark) / 100),
    };
  });
  return fc.record({
    transactions: fc.constant(all),
    objects: fc.array(
      fc.array(one, { minLength: 1, maxLength: 5 }).map((parts) => chained(all, parts)),
      {
        maxLength: 6,
      },
    ),
    tables: fc.array(fc.array(version, { maxLength: 12 }), { maxLength: 3 }),
    times: fc
      .tuple(fc.nat(LAST), fc.nat(200), fc.nat(200))
      .map(([before, run, rest]) => ({ before, stop: before + run, after: before + run + rest })),
  });
});

/** Versions of one object: each is made by the transaction that removes the one before. */
function chained(all: readonly Transaction[], parts: readonly { by: number; remover: number }[]): Version[] {
  const makers: number[] = [];
  for (const { by } of parts) {
    const last = makers.at(-1);
    if (last === undefined || all[by]!.logged > all[last]!.visible) makers.push(by);
  }
  const dropped = parts.at(-1)!.remover;
  const canDrop = all[dropped] !== undefined && all[dropped].logged > all[makers.at(-1)!]!.visible;
  return makers.map((by, i) => {
    const removedBy = makers[i + 1] ?? (canDrop ? dropped : undefined);
    return {
      by,
      removedBy,
      marked: removedBy === undefined ? Number.POSITIVE_INFINITY : all[removedBy]!.begun,
    };
  });
}

/** What a look at that time sees; of the copy, when its time is the end of the backup. */
export function lookAt(
  { transactions: all, objects, tables }: History,
  time: number,
  options: { readonly settledBefore?: bigint; readonly copy?: boolean } = {},
): ClusterLook {
  const ended = ({ logged, visible }: Transaction): number => (options.copy === true ? logged : visible);
  const xidOf = (index: number): bigint => FIRST_XID + BigInt(index);
  // as snapshots: xmax is behind the last transaction that has ended, and says nothing of those that began behind it
  const latest = all.findLastIndex((each) => ended(each) <= time);
  const running = all.slice(0, latest + 1).findIndex((each) => ended(each) > time);
  const next = xidOf(latest + 1);
  const oldest = running === -1 ? next : xidOf(running);
  const writing = all.some((each) => each.begun <= time && ended(each) > time);
  const settledBefore = options.settledBefore ?? oldest;
  const isSeen = ({ by, removedBy }: Version): boolean =>
    ended(all[by]!) <= time && (removedBy === undefined || ended(all[removedBy]!) > time);
  const isSettled = ({ by }: Version): boolean => xidOf(by) < settledBefore;
  const isFirm = ({ removedBy, marked }: Version): boolean =>
    removedBy === undefined || marked > time || xidOf(removedBy) < oldest;
  const found = objects.flatMap((versions, i): CatalogObject[] =>
    versions.filter(isSeen).map((version) => ({
      kind: 'view',
      oid: i,
      schema: 's',
      name: `v${i}`,
      // as the query: a mark that may come true is another content
      digest: `${isFirm(version) ? 'f' : '0'}${String(version.by).padStart(15, '0')}`,
      settled: isSettled(version),
      firm: isFirm(version),
    })),
  );
  const counted = tables.map((versions, i): CatalogObject => {
    const rows = versions.filter(isSeen);
    const settled = rows.filter(isSettled);
    return {
      kind: 'table',
      oid: 1000 + i,
      schema: 's',
      name: `t${i}`,
      digest: 'f'.repeat(16),
      settled: true,
      firm: true,
      rows: {
        ...{ filenode: 1, live: 0, inserted: 0, updated: 0, deleted: 0 },
        counted: { rows: rows.length, settled: settled.length, firm: settled.filter(isFirm).length },
      },
    };
  });
  return clusterLook({
    settledBefore,
    activity: { next, idle: running === -1, writing },
    objects: [...found, ...counted],
  });
}

export function clusterLook({
  settledBefore = 700n,
  activity = { next: 700n, idle: true, writing: false },
  objects = [],
  ...database
}: Partial<Pick<ClusterLook, 'settledBefore' | 'activity'>> &
  Partial<ClusterLook['databases'][number]> = {}): ClusterLook {
  return {
    settledBefore,
    activity,
    reached: 0n,
    server: { versionNumber: 170_010, dataChecksums: true, collations: [] },
    databases: [
      {
        oid: 5,
        name: 'shop',
        encoding: 'UTF8',
        collate: 'C.UTF-8',
        ctype: 'C.UTF-8',
        locale: null,
        provider: 'libc',
        collationVersion: null,
        actualCollationVersion: null,
        template: false,
        settled: true,
        firm: true,
        notLookedAt: null,
        ...database,
        objects,
      },
    ],
  };
}
