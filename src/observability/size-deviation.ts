import type { BackupFacts } from './backup-facts.ts';

const COMPARED = 7;
/** With fewer nobody can tell what is usual. */
const FEWEST = 3;

/**
 * How the stored size of the newest good backup compares with the median of up to seven before it; 1 while there are too
 * few to say. All are of one type.
 */
export function sizeDeviation(backups: readonly BackupFacts[]): number {
  const sizes = backups
    .filter(({ state }) => state === 'good')
    .toSorted((a, b) => a.ended - b.ended)
    .slice(-COMPARED - 1)
    .map(({ storedBytes }) => storedBytes);
  const newest = sizes.pop();
  const usual = median(sizes);
  if (newest === undefined || sizes.length < FEWEST || usual === 0) return 1;
  return newest / usual;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = 0, high = low] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return (low + high) / 2;
}
