import type { Batch, Draw, TableOperation } from './batch.ts';
import * as content from './content-operations.ts';
import * as files from './file-operations.ts';
import type { Holding } from './ledger.ts';
import { roomIn } from './storm-table.ts';

const FEWEST_TABLES = 4;
const MOST_TABLES = 8;

interface Weighed {
  readonly weight: number;
  readonly operation: TableOperation;
  /** Whether it can be done to the table; always, when absent. */
  readonly fits?: (table: Holding, draw: Draw) => boolean;
}

const hasRoom = (table: Holding) => roomIn(table) > 0;

/** Vacuums and deletions come often enough that files shrink between one backup and the next. */
const TABLE_OPERATIONS: readonly Weighed[] = [
  { weight: 14, operation: content.insert, fits: hasRoom },
  { weight: 8, operation: content.updateInPlace },
  { weight: 7, operation: content.updateIndexed },
  { weight: 4, operation: content.deleteScattered },
  { weight: 5, operation: content.deleteTail },
  { weight: 4, operation: content.truncate },
  { weight: 2, operation: content.truncateUndone },
  { weight: 2, operation: content.abort },
  { weight: 6, operation: files.vacuum },
  { weight: 3, operation: files.vacuumFull },
  { weight: 3, operation: files.cluster },
  { weight: 2, operation: files.reindex },
  { weight: 1, operation: files.reindexConcurrently },
  { weight: 2, operation: files.rewrite },
  { weight: 3, operation: files.changeIndex },
  { weight: 4, operation: files.changePersistence },
  { weight: 5, operation: files.changeTablespace, fits: (_, { spaces }) => spaces.length > 0 },
  { weight: 2, operation: files.recreate },
  { weight: 3, operation: files.drop, fits: (_, draw) => tablesOf(draw).length > FEWEST_TABLES },
  { weight: 1, operation: files.checkpoint },
];

/** Draws what is done next to a database with this ledger. */
export function drawBatch(draw: Draw): Batch {
  const { random } = draw;
  const tables = tablesOf(draw);
  if (tables.length < FEWEST_TABLES || (tables.length < MOST_TABLES && random.chance(6)))
    return files.create(draw);
  if (random.chance(7)) return content.changeLargeObjects(draw);
  if (random.chance(7)) return content.changeSequence(draw);
  if (random.chance(5)) return files.rewriteCatalog(draw);
  const table = random.pick(tables);
  const fitting = TABLE_OPERATIONS.filter(({ fits }) => fits?.(table, draw) ?? true);
  return weighed(fitting, draw)(table, draw);
}

function tablesOf({ ledger }: Draw): Holding[] {
  return [...ledger.values()].filter(({ kind }) => kind === 'table');
}

function weighed(operations: readonly Weighed[], { random }: Draw): TableOperation {
  let left = random.below(operations.reduce((sum, { weight }) => sum + weight, 0));
  return operations.find(({ weight }) => (left -= weight) < 0)!.operation;
}
