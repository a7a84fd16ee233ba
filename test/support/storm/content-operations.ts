import type { Batch, Draw, TableOperation } from './batch.ts';
import { LARGE_OBJECTS } from './ledger.ts';
import { columnValues, drawRows, insertRows, roomIn } from './storm-table.ts';

/** Pages of large objects that a database may hold. */
const MOST_PAGES = 60;
/** Numbers that one batch may take from the sequence. */
export const MOST_NUMBERS = 40;

export const insert: TableOperation = ({ name, ...table }, { random, number }) => {
  const count = Math.min(drawRows(name, random), roomIn({ name, ...table }));
  return {
    what: `insert ${count} into ${name}`,
    statements: [insertRows(name, count, number, random)],
    touched: [name],
  };
};

/** Of a column without an index: the new versions stay on the page where there is room. */
export const updateInPlace: TableOperation = ({ name }, { random, number }) =>
  update(name, random.between(1, 40), { random, number, columns: ['filler'] });

export const updateIndexed: TableOperation = ({ name }, { random, number }) =>
  update(name, random.between(2, 60), { random, number, columns: ['tag', 'era', 'marks', 'place'] });

interface Update extends Pick<Draw, 'random' | 'number'> {
  readonly columns: readonly string[];
}

function update(name: string, every: number, { random, number, columns }: Update): Batch {
  const values = columnValues(name, number, random);
  return {
    what: `update ${columns.join(', ')} of every ${every}th row of ${name}`,
    statements: [
      `UPDATE ${name} SET (${columns.join(', ')}) =
         (SELECT ${columns.map((column) => values[column]).join(', ')} FROM (SELECT id AS g) AS key)
       WHERE id % ${every} = ${random.below(every)}`,
    ],
    touched: [name],
  };
}

export const deleteScattered: TableOperation = ({ name }, { random }) => {
  const every = random.between(2, 20);
  return {
    what: `delete every ${every}th of ${name}`,
    statements: [`DELETE FROM ${name} WHERE id % ${every} = ${random.below(every)}`],
    touched: [name],
  };
};

/** The vacuum then cuts the file. */
export const deleteTail: TableOperation = ({ name }, { random }) => {
  const part = random.between(1, 9);
  return {
    what: `delete the last ${part} tenths of ${name}, vacuum`,
    statements: [
      `DELETE FROM ${name} WHERE id > (SELECT min(id) + (max(id) - min(id)) * ${10 - part} / 10 FROM ${name})`,
    ],
    touched: [name],
    afterwards: [`VACUUM (TRUNCATE) ${name}`],
  };
};

export const truncate: TableOperation = ({ name }, { random, number }) => {
  const again = random.chance(60) ? [insertRows(name, drawRows(name, random), number, random)] : [];
  return {
    what: `truncate ${name}${again.length === 0 ? '' : ' and insert'}`,
    statements: [`TRUNCATE ${name}`, ...again],
    touched: [name],
  };
};

/** A truncation that is undone: the file that is kept is the old one. */
export const truncateUndone: TableOperation = ({ name, ...table }, { random, number }) => {
  const count = Math.min(10, roomIn({ name, ...table }));
  return {
    what: `truncate ${name}, roll back to a savepoint, insert ${count}`,
    statements: [
      `SAVEPOINT before`,
      `TRUNCATE ${name}`,
      insertRows(name, 10, number, random),
      `ROLLBACK TO before`,
      insertRows(name, count, number, random),
    ],
    touched: [name],
  };
};

/** Leaves dead rows, and a file that nothing refers to. */
export const abort: TableOperation = ({ name }, { random, number }) => ({
  what: `changes of ${name} that are rolled back`,
  statements: [],
  touched: [],
  afterwards: [
    `BEGIN; ${insertRows(name, drawRows(name, random), number, random)}; DELETE FROM ${name} WHERE id % 3 = 0;
     CREATE TABLE undone AS SELECT * FROM ${name}; ROLLBACK`,
  ],
});

/** A new large object, or something done to one that there is. */
export function changeLargeObjects({ random, number, ledger }: Draw): Batch {
  const some = `(SELECT oid FROM pg_largeobject_metadata ORDER BY hashoid(oid) # ${number} LIMIT 1) AS one`;
  const bytes = `decode(repeat(md5('${number}'), ${random.between(1, 1500)}), 'hex')`;
  const pages = Number(ledger.get(LARGE_OBJECTS)!.rows);
  const changes = {
    put: `SELECT lo_put(oid, ${random.below(20_000)}, ${bytes}) FROM ${some}`,
    truncate: `SELECT lo_truncate(lo_open(oid, 131072), ${random.below(9000)}) FROM ${some}`,
    unlink: `SELECT lo_unlink(oid) FROM ${some}`,
    create: `SELECT lo_from_bytea(0, ${bytes})`,
  };
  const how = pages > MOST_PAGES ? 'unlink' : random.pick(['put', 'truncate', 'unlink', 'create', 'create']);
  return {
    what: `${how} a large object`,
    statements: [changes[how as keyof typeof changes]],
    touched: [LARGE_OBJECTS],
  };
}

export function changeSequence({ random, number }: Draw): Batch {
  const restarts = random.chance(15);
  return {
    what: restarts ? 'restart the sequence' : 'take from the sequence',
    statements: restarts
      ? [`ALTER SEQUENCE counter RESTART WITH ${number * 1000}`]
      : [`SELECT count(nextval('counter')) FROM generate_series(1, ${random.between(1, MOST_NUMBERS)})`],
    touched: ['counter'],
  };
}
