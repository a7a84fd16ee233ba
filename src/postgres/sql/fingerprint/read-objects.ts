import type { Row } from '../row.ts';
import type { Session } from '../session.ts';
import { hexOf, nameFromHex } from './bytes-of.ts';
import { isFirm, xids, type CountQuestion } from './transactions.ts';
import type { CatalogObject, CatalogObjectKind, TableLook } from './look.ts';

/** Objects below are the system's own. */
const FIRST_USER_OID = 16_384;
/** Rows of one answer: 20,000 tables are looked at without all of the answer in memory at once. */
const PAGE = 5000;

const RELATION_KINDS: Readonly<Record<string, CatalogObjectKind>> = {
  r: 'table',
  p: 'partitioned table',
  m: 'materialized view',
  v: 'view',
  f: 'foreign table',
  i: 'index',
  I: 'index',
  S: 'sequence',
};

/** What is counted of a table, before it is. */
export type Countable = Omit<TableLook, 'counted'> & {
  /** Why this role cannot count it; null where it can. */
  readonly refused: string | null;
  /** Blocks as the planner knows them: a guess, 0 for a table that was never analyzed. */
  readonly pages: number;
};

export type FoundObject = Omit<CatalogObject, 'rows'> & { readonly countable?: Countable };

/**
 * Every object of the database that is not the system's own: catalogue rows as they are stored, since taking definitions
 * apart (`pg_get_viewdef` and its kin) waits for locks, differs between minor versions and fails where something is dropped
 * meanwhile. `xmin` stands in each digest: an object that was changed and changed back is not the same.
 * @throws as `Session.rows`
 */
export async function readObjects(session: Session, question: CountQuestion): Promise<FoundObject[]> {
  const schemas = await readSchemas(session, question);
  const names = new Map(schemas.map(({ oid, name }) => [oid, name]));
  const schemaOf = (oid: number): string => names.get(oid) ?? `schema ${oid}`;
  return [
    ...schemas,
    ...(await paged(session, RELATIONS, question, (row) => relation(row, schemaOf))),
    ...(await paged(session, FUNCTIONS, question, (row) => ({
      ...common('function', row),
      schema: schemaOf(row.integer('namespace')),
    }))),
    ...(await paged(session, EXTENSIONS, question, (row) => common('extension', row))),
  ];
}

/**
 * `$1` and `$2`: transaction ids of 32 bits, from `CountQuestion`. A row that a transaction has marked which had not ended is
 * not what it was: the end may be in the log already, where the transaction waits for the disk or for a standby.
 */
const FLAGS = `age(o.xmin) > age($1::xid) AS settled, ${isFirm('o')} AS firm`;
const digest = (...parts: readonly string[]): string =>
  `left(md5(concat_ws('|', o.xmin, ${isFirm('o')}, ${parts.join(', ')})), 16) AS digest`;
/** The rows of another catalogue that belong to the object, in one text. */
const belonging = (catalogue: string, where: string, order: string, ...columns: readonly string[]): string =>
  `(SELECT string_agg(concat_ws(',', b.xmin, ${isFirm('b')}, ${columns.map((column) => `b.${column}`).join(', ')}), ';' ORDER BY b.${order})
    FROM ${catalogue} AS b WHERE ${where})`;

const EXTENSIONS = `SELECT o.oid, ${hexOf('extname')} AS name, ${digest('extname', 'extversion')}, ${FLAGS}
  FROM pg_extension AS o WHERE o.oid > $3::oid ORDER BY o.oid LIMIT ${PAGE}`;

const FUNCTIONS = `SELECT o.oid, pronamespace AS namespace, ${hexOf('proname')} AS name, ${FLAGS},
    ${digest('proname', 'prokind', 'prolang', 'proargtypes', 'proallargtypes', 'prorettype', 'prosrc', 'probin', 'prosqlbody', 'proconfig', 'prosecdef', 'provolatile', 'proisstrict', 'proretset')}
  FROM pg_proc AS o
  WHERE o.oid > $3::oid AND o.oid >= ${FIRST_USER_OID} ORDER BY o.oid LIMIT ${PAGE}`;

// left out of pg_class is what VACUUM and ANALYZE change in place; schema 99 is that of the TOAST tables
const RELATIONS = `SELECT o.oid, relnamespace AS namespace, ${hexOf('relname')} AS name, relkind::text AS kind, ${FLAGS},
    ${digest(
      'relname',
      'relnamespace',
      'relkind',
      'relpersistence',
      'relam',
      'relnatts',
      'reloptions',
      'reltablespace',
      'relrowsecurity',
      'relpartbound',
      belonging(
        'pg_attribute',
        'attrelid = o.oid AND attnum > 0',
        'attnum',
        'attname',
        'atttypid',
        'atttypmod',
        'attnotnull',
        'attisdropped',
        'attcollation',
        'attidentity',
        'attgenerated',
      ),
      belonging('pg_attrdef', 'adrelid = o.oid', 'adnum', 'adnum', 'adbin'),
      belonging(
        'pg_constraint',
        'conrelid = o.oid',
        'oid',
        'conname',
        'contype',
        'conkey',
        'confrelid',
        'confkey',
        'conbin',
        'convalidated',
      ),
      belonging(
        'pg_index',
        'indexrelid = o.oid',
        'indexrelid',
        'indrelid',
        'indkey',
        'indclass',
        'indcollation',
        'indoption',
        'indexprs',
        'indpred',
        'indisunique',
        'indisvalid',
      ),
      belonging('pg_rewrite', 'ev_class = o.oid', 'oid', 'rulename', 'ev_type', 'ev_qual', 'ev_action'),
      belonging(
        'pg_sequence',
        'seqrelid = o.oid',
        'seqrelid',
        'seqtypid',
        'seqstart',
        'seqincrement',
        'seqmax',
        'seqmin',
        'seqcache',
        'seqcycle',
      ),
    )},
    relkind IN ('r', 'm') AND relpersistence = 'p' AS holds_rows, relfilenode, greatest(relpages, 0) AS pages,
    coalesce(pg_stat_get_live_tuples(o.oid), 0) AS live, coalesce(pg_stat_get_tuples_inserted(o.oid), 0) AS inserted,
    coalesce(pg_stat_get_tuples_updated(o.oid), 0) AS updated, coalesce(pg_stat_get_tuples_deleted(o.oid), 0) AS deleted,
    CASE WHEN relkind NOT IN ('r', 'm') THEN NULL
         WHEN relam <> 2 THEN 'its storage is not that of PostgreSQL itself'
         WHEN NOT (has_table_privilege(o.oid, 'SELECT') AND has_schema_privilege(relnamespace, 'USAGE'))
           THEN 'the role of the backup may not read it'
         WHEN row_security_active(o.oid) THEN 'row security hides rows of it from the role of the backup' END AS refused
  FROM pg_class AS o
  WHERE o.oid > $3::oid AND o.oid >= ${FIRST_USER_OID} AND relkind IN ('r', 'p', 'm', 'v', 'f', 'i', 'I', 'S')
    AND relpersistence <> 't' AND relnamespace <> 99 ORDER BY o.oid LIMIT ${PAGE}`;

function readSchemas(session: Session, question: CountQuestion): Promise<readonly FoundObject[]> {
  const text = `SELECT o.oid, ${hexOf('nspname')} AS name, ${digest('nspname')}, ${FLAGS} FROM pg_namespace AS o
    WHERE (o.oid >= ${FIRST_USER_OID} OR nspname = 'public') AND nspname !~ '^pg_(toast_)?temp_'`;
  const query = { text, values: xids(question), what: 'reading the schemas' };
  return session.rows(query, (row) => common('schema', row));
}

async function paged(
  session: Session,
  text: string,
  question: CountQuestion,
  read: (row: Row) => FoundObject,
): Promise<FoundObject[]> {
  const found: FoundObject[] = [];
  for (;;) {
    const values = [...xids(question), String(found.at(-1)?.oid ?? 0)];
    const page = await session.rows({ text, values, what: 'reading the catalogue' }, read);
    for (const object of page) found.push(object);
    if (page.length < PAGE) return found;
  }
}

function common(kind: CatalogObjectKind, row: Row): FoundObject {
  const { oid, name } = { oid: row.integer('oid'), name: nameFromHex(row.text('name')) };
  const [settled, firm] = [row.boolean('settled'), row.boolean('firm')];
  return { kind, oid, schema: '', name, digest: row.text('digest'), settled, firm };
}

function relation(row: Row, schemaOf: (oid: number) => string): FoundObject {
  const kind = RELATION_KINDS[row.text('kind')] ?? 'table';
  const object = { ...common(kind, row), schema: schemaOf(row.integer('namespace')) };
  return row.boolean('holds_rows') ? { ...object, countable: countableOf(row) } : object;
}

function countableOf(row: Row): Countable {
  return {
    filenode: row.integer('relfilenode'),
    live: row.integer('live'),
    inserted: row.integer('inserted'),
    updated: row.integer('updated'),
    deleted: row.integer('deleted'),
    refused: row.optionalText('refused') ?? null,
    pages: row.integer('pages'),
  };
}
