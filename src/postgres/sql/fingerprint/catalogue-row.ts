import { isFirm } from './transactions.ts';

/** Objects below are the system's own. */
export const FIRST_USER_OID = 16_384;
/** Rows of one answer: 20,000 tables are looked at without all of the answer in memory at once. */
export const PAGE = 5000;

/**
 * `$1` and `$2`: transaction ids of 32 bits, from `CountQuestion`. A row that a transaction has marked which had not ended is
 * not what it was: the end may be in the log already, where the transaction waits for the disk or for a standby.
 */
export const FLAGS = `age(o.xmin) > age($1::xid) AS settled, ${isFirm('o')} AS firm`;
/** 16 hexadecimal digits of what the row `o` and these expressions say. */
export function digest(...parts: readonly string[]): string {
  return `left(md5(concat_ws('|', o.xmin, ${isFirm('o')}, ${parts.join(', ')})), 16) AS digest`;
}

/** Rows of another catalogue that belong to the row `o`, in one text; what is numbered below 0 is the system's. */
export function belonging(
  catalogue: string,
  rows: { readonly to: string; readonly when: string; readonly order: string },
  columns: readonly string[],
): string {
  const parts = ['b.xmin', isFirm('b'), ...columns.map((column) => `b.${column}`)];
  return `CASE WHEN ${rows.when} THEN (
    SELECT string_agg(concat_ws(',', ${parts.join(', ')}), ';' ORDER BY b.${rows.order})
    FROM ${catalogue} AS b WHERE b.${rows.to} = o.oid AND b.${rows.order}::bigint > 0) END`;
}
