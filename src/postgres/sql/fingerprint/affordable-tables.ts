import { COUNTED_BLOCKS } from './look.ts';
import type { ChooseTables } from './look-into-database.ts';

/** Blocks that one look reads, of all tables together: 256 MiB, a fraction of a second of what a backup reads anyway. */
const MOST_BLOCKS = 32_768;

/** Chooses what a look at the server that is backed up counts: what the role may read, small tables first, up to a bound. */
export function affordableTables(): ChooseTables {
  let left = MOST_BLOCKS;
  return (_, tables) => {
    const readable = tables.filter(({ countable }) => countable.refused === null);
    const count = readable
      .toSorted((a, b) => a.countable.pages - b.countable.pages)
      .filter(({ countable }) => {
        // a table that was never analyzed may be of any size
        left -= Math.min(COUNTED_BLOCKS, Math.max(countable.pages, 1));
        return left >= 0;
      });
    return { count, upTo: [] };
  };
}
