import { SeededRandom } from '../seeded-random.ts';
import { checkSlots } from './check-slots.ts';
import { Simulation } from './simulation.ts';
import { slotsByTheMinute } from './slots-by-the-minute.ts';

const DAY = 86_400_000;

/** Lives through days in a zone, and gives what is wrong with the records afterwards. Prints what it saw. */
export async function simulate(zone: string, begin: string, days: number): Promise<readonly string[]> {
  const random = new SeededRandom();
  const [from, to] = [Date.parse(begin), Date.parse(begin) + (2 * days + 10) * DAY];
  const simulation = new Simulation({ random, begin: from, days, zone });
  await simulation.run();
  const at = 2 * 60 + 30;
  const seals = Array.from({ length: (to - from) / (DAY / 4) }, (_, n) => from + DAY + n * (DAY / 4));
  const facts = { records: simulation.history.all, ticks: simulation.ticks };
  // on the first day there may be nobody yet to miss a slot: nothing has run before it
  const window = {
    from: from + DAY,
    to: simulation.ticks.reduce((last, tick) => Math.max(last, tick), from),
  };
  const tallies = [
    checkSlots('backup_full', slotsByTheMinute(window, { zone, at, weekday: 0 }), facts),
    checkSlots('backup_incremental', slotsByTheMinute(window, { zone, at }), facts),
    checkSlots(
      'transaction_log',
      seals.filter((slot) => slot <= window.to),
      facts,
    ),
  ];
  const sum = (of: 'seen' | 'named') => tallies.reduce((total, tally) => total + tally[of], 0);
  const [seen, named] = [sum('seen'), sum('named')];
  process.stdout.write(
    `${zone}, ${days} days, seed ${random.seed}: ${simulation.restarts} restarts, ${facts.records.length} runs, ${seen} slots seen, ${named} of them by name\n`,
  );
  const few = named < seen * 0.7 ? [`only ${named} of ${seen} slots are on record by their names`] : [];
  const found = [
    ...simulation.problems,
    ...unverified(facts.records),
    ...few,
    ...tallies.flatMap((tally) => tally.problems),
  ];
  return found.map((problem) => `seed ${random.seed}: ${problem}`);
}

/** Every backup was verified, by a run that is over, but for those whose verification died with its process again and again. */
function unverified(records: Simulation['history']['all']): string[] {
  const verified = new Set(records.filter(({ task }) => task === 'verify').map(({ backupId }) => backupId));
  return records
    .filter(({ task, result }) => task.startsWith('backup_') && result === 'success')
    .filter(({ backupId }) => !verified.has(backupId))
    .map(({ id }) => `the backup of the run ${id} was never verified`);
}
