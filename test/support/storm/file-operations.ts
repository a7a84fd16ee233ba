import type { Batch, Draw, TableOperation } from './batch.ts';
import { createTable, drawRows, insertRows, type Shape } from './storm-table.ts';

/** Catalogs that are written into new files; some of them are found through pg_filenode.map. */
const CATALOGS = ['pg_class', 'pg_attribute', 'pg_proc', 'pg_index', 'pg_largeobject', 'pg_depend'];

/** Of a shape of which there is none yet, where that is so. */
export function create({ random, number, spaces, ledger }: Draw): Batch {
  const has = (shape: Shape) => [...ledger.keys()].some((name) => name.startsWith(`${shape}_`));
  const shape = has('bulk') ? random.pick(['plain', 'indexed', 'toasted'] as const) : 'bulk';
  const name = `${shape}_${number}`;
  const unlogged = random.chance(15);
  const tablespace = spaces.length > 0 && random.chance(30) ? random.pick(spaces) : '';
  return {
    what: `create ${unlogged ? 'unlogged ' : ''}${name}`,
    statements: [
      ...createTable(name, { unlogged, tablespace }),
      insertRows(name, drawRows(name, random), number, random),
    ],
    touched: [name],
  };
}

export const drop: TableOperation = ({ name }) => ({
  what: `drop ${name}`,
  statements: [`DROP TABLE ${name}`],
  touched: [name],
});

/** One table goes and one of the same name comes. */
export const recreate: TableOperation = ({ name, persistence }, { random, number }) => ({
  what: `drop and create ${name}`,
  statements: [
    `DROP TABLE ${name}`,
    ...createTable(name, { unlogged: persistence === 'u', tablespace: '' }),
    insertRows(name, drawRows(name, random), number, random),
  ],
  touched: [name],
});

export const vacuum: TableOperation = ({ name }, { random }) => {
  const options = random.pick(['', '(FREEZE) ', '(ANALYZE) ', '(INDEX_CLEANUP ON) ']);
  return unseen(`vacuum ${options}${name}`, [`VACUUM ${options}${name}`]);
};

export const vacuumFull: TableOperation = ({ name }) =>
  unseen(`vacuum full ${name}`, [`VACUUM FULL ${name}`]);

export const reindexConcurrently: TableOperation = ({ name }) =>
  unseen(`reindex ${name} concurrently`, [`REINDEX TABLE CONCURRENTLY ${name}`]);

/**
 * But not pg_proc while a backup is taken: PostgreSQL switches to the new file of a mapped catalog in a record before the
 * commit, and a copy that ends between the two loses the rows of its TOAST table, which the transaction has written anew
 * (`test/integration/drill/rewritten-catalog.test.ts`). Of the mapped catalogs it alone has such rows.
 */
export function rewriteCatalog({ random, duringBackup }: Draw): Batch {
  const catalog = random.pick(CATALOGS);
  const gentle = [`REINDEX TABLE ${catalog}`, `VACUUM ${catalog}`];
  const isKnownFault = duringBackup && catalog === 'pg_proc';
  const statement = random.pick(isKnownFault ? gentle : [`VACUUM FULL ${catalog}`, ...gentle]);
  return unseen(statement, [statement]);
}

export const checkpoint: TableOperation = () => unseen('checkpoint', ['CHECKPOINT']);

export const cluster: TableOperation = ({ name }) => ({
  what: `cluster ${name}`,
  statements: [`CLUSTER ${name} USING ${name}_pkey`],
  touched: [name],
});

export const reindex: TableOperation = ({ name }, { random }) => ({
  what: `reindex ${name}`,
  statements: [random.chance(50) ? `REINDEX TABLE ${name}` : `REINDEX INDEX ${name}_pkey`],
  touched: [name],
});

/** The expression keeps every value and makes PostgreSQL write a new file all the same. */
export const rewrite: TableOperation = ({ name }) => ({
  what: `rewrite ${name}`,
  statements: [`ALTER TABLE ${name} ALTER era TYPE int USING era + 0`],
  touched: [name],
});

export const changeIndex: TableOperation = ({ name }, { random }) => ({
  what: `drop or create an index of ${name}`,
  statements: [
    `DROP INDEX IF EXISTS ${name}_extra`,
    ...(random.chance(70) ? [`CREATE INDEX ${name}_extra ON ${name} (md5(filler), id)`] : []),
  ],
  touched: [name],
});

export const changePersistence: TableOperation = ({ name, persistence }) => {
  const other = persistence === 'u' ? 'LOGGED' : 'UNLOGGED';
  return {
    what: `set ${name} ${other.toLowerCase()}`,
    statements: [`ALTER TABLE ${name} SET ${other}`],
    touched: [name],
  };
};

/** Only with tablespaces to move to. */
export const changeTablespace: TableOperation = ({ name, tablespace }, { random, spaces }) => {
  const from = tablespace === '' ? 'pg_default' : tablespace;
  const to = random.pick([...spaces, 'pg_default'].filter((space) => space !== from));
  return {
    what: `move ${name} to ${to}`,
    statements: [
      `ALTER TABLE ${name} SET TABLESPACE ${to}`,
      ...(random.chance(50) ? [`ALTER INDEX ${name}_pkey SET TABLESPACE ${to}`] : []),
    ],
    touched: [name],
  };
};

function unseen(what: string, afterwards: readonly string[]): Batch {
  return { what, statements: [], touched: [], afterwards };
}
