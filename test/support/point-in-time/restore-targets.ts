import { formatLsn } from '../../../src/postgres/lsn.ts';
import { repositoryAt } from '../backup-runner.ts';
import { rollForward } from '../rolled-forward.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { expectedRows, type RandomTarget, type Rows } from './expected-rows.ts';
import { drawTarget, optionsOf } from './random-targets.ts';
import type { RecordedBed } from './recorded-bed.ts';

/** As many as there are cores where this runs. */
const AT_A_TIME = 2;

/** A target whose rows were not those of the record. */
export interface Miss {
  readonly bed: string;
  readonly target: string;
  readonly what: string;
}

export interface TargetReport {
  readonly targets: number;
  readonly exact: number;
  readonly misses: readonly Miss[];
  /** One line. */
  readonly summary: string;
}

interface Attempt {
  readonly bed: RecordedBed;
  readonly target: RandomTarget;
}

/** Draws targets, so many in all, from one bed after the other; restores to each, and compares every row. */
export async function restoreToTargets(
  beds: readonly RecordedBed[],
  targets: number,
  random: SeededRandom,
): Promise<TargetReport> {
  const attempts = Array.from({ length: targets }, (_, index): Attempt => {
    const bed = beds[index % beds.length]!;
    // of two beds with four targets each, one counts its targets in and the other does not
    const turn = Math.floor(index / beds.length) + 4 * (index % beds.length);
    return { bed, target: drawTarget(random, bed, turn) };
  });
  const misses: Miss[] = [];
  const queue = [...attempts];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const what = await difference(next);
      if (what !== undefined) misses.push({ bed: bedText(next.bed), target: targetText(next.target), what });
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  const exact = targets - misses.length;
  return { targets, exact, misses, summary: summaryOf(attempts, exact, random.seed) };
}

async function difference({ bed, target }: Attempt): Promise<string | undefined> {
  const expected = expectedRows(bed.committed, bed.account, target);
  try {
    // a restore of its own opens the repository anew
    const repository = repositoryAt(bed.repository.location.directory);
    await using copy = await rollForward(repository, optionsOf(target));
    const rows = await copy.query('SELECT id, value FROM entries');
    return compare(expected, new Map(rows.map((row) => [Number(row['id']), Number(row['value'])])));
  } catch (error) {
    return `it failed: ${String(error)}`;
  }
}

function compare(expected: Rows, found: Rows): string | undefined {
  const wrong = [...new Set([...expected.keys(), ...found.keys()])].filter(
    (id) => expected.get(id) !== found.get(id),
  );
  if (wrong.length === 0) return undefined;
  const shown = wrong
    .slice(0, 5)
    .map((id) => `${id}: ${expected.get(id) ?? 'none'} became ${found.get(id) ?? 'none'}`);
  return `${wrong.length} of ${expected.size} rows are wrong (${shown.join(', ')})`;
}

function summaryOf(attempts: readonly Attempt[], exact: number, seed: number): string {
  const counted = Map.groupBy(attempts, ({ target }) => target.kind);
  const kinds = [...counted].map(([kind, each]) => `${each.length} by ${kind}`).sort();
  const beds = new Set(attempts.map(({ bed }) => bedText(bed)));
  return `${attempts.length} targets: ${exact} exact, seed ${seed} (${kinds.join(', ')}; on ${[...beds].join('; ')})`;
}

function bedText({ options, committed }: RecordedBed): string {
  const { major, walSegmentSizeMb, promoted, compressionLevel } = options;
  const timelines = promoted ? ', 2 timelines' : '';
  const stored = compressionLevel === 0 ? ', uncompressed' : '';
  return `PostgreSQL ${major} with ${walSegmentSizeMb} MB${timelines}${stored}, ${committed.length} commits`;
}

function targetText(target: RandomTarget): string {
  const inclusive = 'inclusive' in target && !target.inclusive ? 'just before ' : '';
  switch (target.kind) {
    case 'time':
      return `${inclusive}time ${target.time} µs`;
    case 'lsn':
      return `${inclusive}LSN ${formatLsn(target.lsn)}`;
    case 'xid':
      return `${inclusive}transaction ${target.xid}`;
    case 'name':
      return target.name;
  }
}
