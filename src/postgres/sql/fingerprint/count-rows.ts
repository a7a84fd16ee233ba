import { LarderError } from '../../../errors.ts';
import type { Session } from '../session.ts';
import { COUNTED_BLOCKS, type RowCount } from './look.ts';
import { xids, type CountQuestion } from './transactions.ts';

/** Tables are counted many at a time, in one statement, and stay locked (ACCESS SHARE) no longer than that takes. */
const MOST_TABLES = 100;
/** Blocks as the planner knows them, of the tables of one statement: 16 MiB. */
const MOST_PAGES = 2048;

export interface TableSize {
  readonly oid: number;
  readonly pages: number;
}

/** Tables in the order in which they are counted, small ones first, in the batches of one statement each. */
export function batchesOf<T extends TableSize>(tables: readonly T[]): T[][] {
  const batches: T[][] = [];
  let pages = Number.POSITIVE_INFINITY;
  for (const table of [...tables].sort((a, b) => a.pages - b.pages)) {
    const own = Math.min(table.pages, COUNTED_BLOCKS);
    const last = batches.at(-1);
    if (last === undefined || last.length >= MOST_TABLES || pages + own > MOST_PAGES) {
      batches.push([table]);
      pages = own;
    } else {
      last.push(table);
      pages += own;
    }
  }
  return batches;
}

/**
 * Counts tables of the session's database. One that cannot be counted (locked, dropped meanwhile) does not spoil the others:
 * it comes back with the reason.
 * @throws LarderError CONNECTION_LOST
 */
export async function countTables(
  session: Session,
  tables: readonly number[],
  question: CountQuestion,
): Promise<ReadonlyMap<number, RowCount | string>> {
  try {
    return await countTogether(session, tables, question);
  } catch (error) {
    if (!(error instanceof LarderError) || error.code === 'CONNECTION_LOST') throw error;
    const [only, second] = tables;
    if (only !== undefined && second === undefined) return new Map([[only, error.message]]);
    const half = Math.ceil(tables.length / 2);
    return new Map([
      ...(await countTables(session, tables.slice(0, half), question)),
      ...(await countTables(session, tables.slice(half), question)),
    ]);
  }
}

/** One table's query. `xmin` is read of every row, so it is the table that is read, and no index in its place. */
const ONE = `SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE age(xmin) > age(%1$L::xid)),
    count(*) FILTER (WHERE age(xmin) > age(%1$L::xid) AND (xmax = '0'::xid OR age(xmax) > age(%2$L::xid)))) AS counts
  FROM ONLY %3$I.%4$I WHERE ctid < '(%5$s,0)'`;

async function countTogether(
  session: Session,
  tables: readonly number[],
  question: CountQuestion,
): Promise<ReadonlyMap<number, RowCount | string>> {
  // the server puts the names in: they may have no encoding that we could send them in
  const text = `SELECT c.oid, substring(query_to_xml(format($one$${ONE}$one$, $1::text, $2::text, nspname, relname, $3::text), true, false, '')::text
      from '<counts>([^<]*)</counts>') AS counts
    FROM unnest(string_to_array($4, ',')::oid[]) AS wanted(oid) JOIN pg_class AS c USING (oid)
      JOIN pg_namespace AS n ON n.oid = relnamespace`;
  const values = [...xids(question), String(COUNTED_BLOCKS), tables.join(',')];
  const rows = await session.rows({ text, values, what: 'counting rows' }, (row) => {
    const [rows = 0, settled = 0, firm = 0] = row.text('counts').split(' ').map(Number);
    return [row.integer('oid'), { rows, settled, firm }] as const;
  });
  const counts = new Map<number, RowCount | string>(rows);
  for (const oid of tables) if (!counts.has(oid)) counts.set(oid, 'it was dropped meanwhile');
  return counts;
}

/** Whether each table holds so many rows, of those that somebody only knows about how many there are. */
export async function countUpTo(
  session: Session,
  tables: readonly { readonly oid: number; readonly limit: number }[],
): Promise<ReadonlyMap<number, number>> {
  const text = `SELECT c.oid, substring(query_to_xml(
      format('SELECT count(*) AS counts FROM (SELECT FROM ONLY %I.%I LIMIT %s) AS t', nspname, relname, most), true, false, '')::text
      from '<counts>([^<]*)</counts>') AS counts
    FROM unnest(string_to_array($1, ',')::oid[], string_to_array($2, ',')::bigint[]) AS wanted(oid, most)
      JOIN pg_class AS c USING (oid) JOIN pg_namespace AS n ON n.oid = relnamespace`;
  const values = [tables.map(({ oid }) => oid).join(','), tables.map(({ limit }) => limit).join(',')];
  const query = { text, values, what: 'counting rows' };
  return new Map(await session.rows(query, (row) => [row.integer('oid'), row.integer('counts')] as const));
}
