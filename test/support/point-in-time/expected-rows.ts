import type { Lsn } from '../../../src/postgres/lsn.ts';
import type { CommittedTransaction } from './recorded-workload.ts';
import type { EndRecord, ServerAccount } from './server-account.ts';

/** A target as a user may name it. */
export type RandomTarget =
  | { readonly kind: 'time'; readonly time: bigint; readonly inclusive: boolean }
  | { readonly kind: 'lsn'; readonly lsn: Lsn; readonly inclusive: boolean }
  | { readonly kind: 'xid'; readonly xid: string; readonly inclusive: boolean }
  | { readonly kind: 'name'; readonly name: string };

/** The rows of a table by their id. */
export type Rows = ReadonlyMap<number, number>;

/**
 * The rows that must be there, and no others: what was committed by records that begin before the place where the server's
 * documentation says that recovery stops.
 */
export function expectedRows(
  committed: readonly CommittedTransaction[],
  account: ServerAccount,
  target: RandomTarget,
): Rows {
  const stop = stopOf(account, target);
  const rows = new Map<number, number>();
  for (const { transaction, record } of inLogOrder(committed, account)) {
    if (stop !== undefined && record.start >= stop) break;
    for (const { id, value } of transaction.changes) {
      if (value === undefined) rows.delete(id);
      else rows.set(id, value);
    }
  }
  return rows;
}

/** Records that begin here or later are not replayed; `undefined`: all are. */
function stopOf({ starts, ends, points }: ServerAccount, target: RandomTarget): Lsn | undefined {
  switch (target.kind) {
    case 'time':
      // the first transaction that ended later, in the order of the log
      return ends.find(({ time }) => (target.inclusive ? time > target.time : time >= target.time))?.start;
    case 'lsn': {
      const first = starts.find((start) => start >= target.lsn);
      return first === undefined || !target.inclusive ? first : first + 1n;
    }
    case 'xid': {
      const record = found(ends, ({ xid }) => xid === target.xid);
      return target.inclusive ? record.end : record.start;
    }
    case 'name':
      return found(points, ({ name }) => name === target.name).end;
  }
}

/** What the sessions were told, beside what the log has of it; fails where the two do not agree. */
function inLogOrder(
  committed: readonly CommittedTransaction[],
  { ends }: ServerAccount,
): { transaction: CommittedTransaction; record: EndRecord }[] {
  const commits = new Map(ends.filter(({ kind }) => kind === 'commit').map((record) => [record.xid, record]));
  const both = committed.map((transaction) => {
    const record = commits.get(transaction.xid);
    if (record?.time !== transaction.time || record.end > transaction.after) {
      throw new Error(`the log has another commit of ${transaction.xid} than its session was told of`);
    }
    return { transaction, record };
  });
  return both.sort((a, b) => (a.record.start < b.record.start ? -1 : 1));
}

function found<T>(items: readonly T[], isIt: (item: T) => boolean): T {
  const item = items.find(isIt);
  if (item === undefined) throw new Error('what was aimed at is not in the log');
  return item;
}
