import type { CopySession } from '../copy-session.ts';
import { lookAtEach, type DatabaseCheck } from '../database-look.ts';
import type { Relation } from '../relations.ts';

/**
 * Every table is read once, every value of it, with what lies in TOAST, made into text. Columns that are computed when they
 * are read are left out: they hold nothing, and would run functions of the source.
 */
export const contentCheck: DatabaseCheck = {
  name: 'contents',
  look: async (look) => {
    const tables = look.relations.filter(({ kind }) => kind === 'r' || kind === 'm');
    const { findings, exceptions } = await lookAtEach(look, tables, async (table, { session }) => {
      await readTable(session, table);
      return [];
    });
    return { counts: { checked: tables.length }, findings, exceptions };
  },
  describe: ({ checked = 0 }) => `every value of ${checked} tables`,
};

const COLUMNS = `SELECT coalesce(string_agg(quote_ident(attname), ', ' ORDER BY attnum), '') AS columns
  FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped AND attgenerated <> 'v'`;

async function readTable(session: CopySession, { oid, name, kind }: Relation): Promise<void> {
  const [row] = await session.query(COLUMNS, [oid]);
  const only = kind === 'r' ? 'ONLY ' : '';
  await session.query(`COPY (SELECT ${String(row?.['columns'])} FROM ${only}${name}) TO '/dev/null'`);
}
