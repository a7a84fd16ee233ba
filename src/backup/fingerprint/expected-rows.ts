import type { TableLook } from '../../postgres/sql/fingerprint/look.ts';
import type { RowExpectation } from '../../repository/fingerprint/schema-fingerprint.ts';

/**
 * What two looks at a table tell of its rows at any moment between them. A row that was there for good before the first look
 * can only be removed, never come back, and never leaves its block: so of such rows there are at most as many as the first
 * look counted and at least as many as the second one. That needs no trust in the server's statistics, which count a change
 * up to a minute after it was committed, or never.
 * @param unchanged whether no transaction ran between the looks
 */
export function expectedRows(before: TableLook, after: TableLook, unchanged: boolean): RowExpectation {
  if (before.filenode !== after.filenode)
    return { kind: 'unknown', why: 'it was rewritten or emptied by TRUNCATE while the backup ran' };
  const [first, second] = [before.counted, after.counted];
  if (typeof second === 'string') return estimated(before, after, { unchanged, why: second });
  if (typeof first === 'string')
    return { kind: 'counted', least: second.firm, most: null, before: null, after: second.rows };
  if (second.firm > first.settled)
    return { kind: 'unknown', why: `${first.settled} old rows were ${second.firm} later on` };
  return {
    kind: 'counted',
    least: second.firm,
    most: first.settled,
    before: first.rows,
    after: second.rows,
  };
}

/** Half of what the statistics say: they are estimates after every VACUUM and ANALYZE. */
function estimated(
  before: TableLook,
  after: TableLook,
  { unchanged, why }: { readonly unchanged: boolean; readonly why: string },
): RowExpectation {
  const counters = ({ inserted, updated, deleted, live }: TableLook): string =>
    [inserted, updated, deleted, live].join(' ');
  const least = Math.ceil(Math.min(before.live, after.live) / 2);
  // no statistics, or none since a crash: that says nothing of the rows
  if (least === 0) return { kind: 'unknown', why };
  return { kind: 'estimated', least, certain: unchanged && counters(before) === counters(after), why };
}
