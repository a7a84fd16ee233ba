import type { Clock } from '../../../clock.ts';
import type { Session } from '../session.ts';
import { leaveLockedTables } from './careful-session.ts';
import { batchesOf, countTables, countUpTo } from './count-rows.ts';
import type { CountQuestion } from './transactions.ts';
import type { CatalogObject, DatabaseFacts, RowCount } from './look.ts';
import { readObjects, type Countable, type FoundObject } from './read-objects.ts';

export type CountableTable = FoundObject & { readonly countable: Countable };

/** Which tables are counted. */
export interface ChosenTables {
  readonly count: readonly CountableTable[];
  /** Of these it is only asked whether they hold so many rows. */
  readonly upTo: readonly { readonly oid: number; readonly limit: number }[];
}

export type ChooseTables = (database: DatabaseFacts, tables: readonly CountableTable[]) => ChosenTables;

const NO_TIME = 'there was no time to count it';
const TOO_MUCH = 'it was left out, so that counting disturbs nobody';

/** The objects of the session's database, and rows as far as the time goes. Throws as `Session.rows`. */
export async function lookIntoDatabase(
  session: Session,
  database: DatabaseFacts,
  options: CountQuestion & {
    readonly clock: Clock;
    /** Milliseconds for counting. */
    readonly stay: number;
    readonly chooseTables: ChooseTables;
  },
): Promise<CatalogObject[]> {
  const found = await readObjects(session, options);
  const tables = found.filter((object): object is CountableTable => object.countable !== undefined);
  const chosen = options.chooseTables(database, tables);
  await leaveLockedTables(session);
  const until = options.clock.monotonic() + options.stay;
  const counts = new Map<number, RowCount | string>();
  for (const batch of batchesOf(
    chosen.count.map(({ oid, countable }) => ({ oid, pages: countable.pages })),
  )) {
    const oids = batch.map(({ oid }) => oid);
    const answer =
      options.clock.monotonic() < until
        ? await countTables(session, oids, options)
        : oids.map((oid) => [oid, NO_TIME] as const);
    for (const [oid, counted] of answer) counts.set(oid, counted);
  }
  if (chosen.upTo.length > 0)
    for (const [oid, rows] of await countUpTo(session, chosen.upTo))
      counts.set(oid, { rows, settled: 0, firm: 0 });
  return found.map((object) => withRows(object, counts));
}

function withRows(
  { countable, ...object }: FoundObject,
  counts: ReadonlyMap<number, RowCount | string>,
): CatalogObject {
  if (countable === undefined) return object;
  const { filenode, live, inserted, updated, deleted, refused } = countable;
  const counted = counts.get(object.oid) ?? refused ?? TOO_MUCH;
  return { ...object, rows: { filenode, live, inserted, updated, deleted, counted } };
}
