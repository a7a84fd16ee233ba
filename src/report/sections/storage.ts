import type { CommitRecord } from '../../repository/commit-record.ts';
import { valueOf } from '../facts/known.ts';
import type { StrategyFacts } from '../facts/strategy-facts.ts';
import type { StrategyReport } from '../strategy-report.ts';

type Growth = NonNullable<StrategyReport['growth']>;

const DAY = 86_400_000;
/** What a price is for: 10^9 bytes, as stores count. */
const GIGABYTE = 1e9;

/** What the repository holds, by type; null where it cannot be listed. */
export function storageSection(facts: StrategyFacts): StrategyReport['storage'] {
  const stored = valueOf(facts.stored);
  if (stored === undefined) return null;
  const backups = valueOf(facts.catalogue)?.backups;
  const count = (type: CommitRecord['type']): number | null =>
    backups === undefined ? null : backups.filter((backup) => backup.type === type).length;
  const parts = [
    { name: 'full backups', bytes: stored.full, backups: count('full') },
    { name: 'incremental backups', bytes: stored.incremental, backups: count('incremental') },
    { name: 'transaction log', bytes: stored.log, backups: null },
    { name: 'unfinished', bytes: stored.unfinished, backups: null },
    { name: 'other records', bytes: stored.other, backups: null },
  ];
  return { totalBytes: parts.reduce((sum, { bytes }) => sum + bytes, 0), parts };
}

/**
 * How fast repository and cluster grow, from the commit records of the period; null where they cannot be read. A rate needs
 * records of a day at least.
 */
export function growthSection(facts: StrategyFacts): Growth | null {
  const catalogue = valueOf(facts.catalogue);
  if (catalogue === undefined) return null;
  const begin = facts.now - facts.period;
  const recent = catalogue.backups.filter(({ startTime }) => Date.parse(startTime) >= begin);
  const [first, last] = [recent[0], recent.at(-1)];
  if (first === undefined || last === undefined) return noRate('no backup was taken in the period');
  const days = (Date.parse(last.startTime) - Date.parse(first.startTime)) / DAY;
  if (days < 1) return noRate('the backups of the period are less than a day apart');
  return {
    // the first one is what was there at the beginning
    storedBytesPerDay: recent.slice(1).reduce((sum, { storedBytes }) => sum + storedBytes, 0) / days,
    logBytesPerDay: logPerDay(facts),
    sourceBytesPerDay: (last.sourceBytes - first.sourceBytes) / days,
    basis: `${recent.length} backups in ${days.toFixed(1)} days`,
  };
}

function noRate(basis: string): Growth {
  return { storedBytesPerDay: null, logBytesPerDay: null, sourceBytesPerDay: null, basis };
}

/** Of the whole days that anything is still there of: today is not over, and of the first day retention has left a part. */
function logPerDay(facts: StrategyFacts): number | null {
  const byDay = valueOf(facts.stored)?.logByDay;
  const today = new Date(facts.now).toISOString().slice(0, 10);
  const first = [...(byDay?.keys() ?? [])].sort()[0];
  if (byDay === undefined || first === undefined) return null;
  const days = (Date.parse(today) - Date.parse(first)) / DAY - 1;
  if (days < 1) return null;
  let bytes = 0;
  for (const [day, size] of byDay) if (day > first && day < today) bytes += size;
  return bytes / days;
}

/** What the repository costs in a month as it is now. */
export function costSection(
  facts: StrategyFacts,
  storage: StrategyReport['storage'],
): StrategyReport['cost'] {
  const price = facts.wanted?.price;
  const priced = { pricePerGbMonth: price?.amount ?? null, currency: price?.currency ?? null };
  if (price === undefined)
    return { ...priced, perMonth: null, basis: 'no price is configured (report.price-per-gb-month)' };
  if (storage === null) return { ...priced, perMonth: null, basis: 'the repository cannot be listed' };
  return {
    ...priced,
    perMonth: (storage.totalBytes / GIGABYTE) * price.amount,
    basis: `what is stored now, at ${price.amount} ${price.currency} for a gigabyte and month`,
  };
}
