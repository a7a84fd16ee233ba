import type { Row } from '../row.ts';
import type { Session } from '../session.ts';
import { hexOf, nameFromHex } from './bytes-of.ts';
import { digest, FIRST_USER_OID, FLAGS, PAGE } from './catalogue-row.ts';
import { RELATIONS } from './relations-query.ts';
import { xids, type CountQuestion } from './transactions.ts';
import type { CatalogObject, CatalogObjectKind, TableLook } from './look.ts';

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

const EXTENSIONS = `SELECT o.oid, ${hexOf('extname')} AS name, ${digest('extname', 'extversion')}, ${FLAGS}
  FROM pg_extension AS o WHERE o.oid > $3::oid ORDER BY o.oid LIMIT ${PAGE}`;

const FUNCTIONS = `SELECT o.oid, pronamespace AS namespace, ${hexOf('proname')} AS name, ${FLAGS},
    ${digest('proname', 'prokind', 'prolang', 'proargtypes', 'proallargtypes', 'prorettype', 'prosrc', 'probin', 'prosqlbody', 'proconfig', 'prosecdef', 'provolatile', 'proisstrict', 'proretset')}
  FROM pg_proc AS o
  WHERE o.oid > $3::oid AND o.oid >= ${FIRST_USER_OID} ORDER BY o.oid LIMIT ${PAGE}`;

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
