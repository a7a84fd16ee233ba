import { expect } from '@jest/globals';
import { planRetention } from '../../../src/retention/retention-plan.ts';
import { stepsOf } from '../../../src/retention/steps.ts';
import { SeededRandom } from '../seeded-random.ts';
import { drawCatalogue, type DrawnCatalogue } from './draw-catalogue.ts';
import { backupsToKeep, segmentsToKeep } from './model.ts';

/** What was met, so that a run that met nothing is seen. */
export interface Met {
  kept: number;
  removed: number;
  segmentsKept: number;
  segmentsRemoved: number;
  due: number;
}

/** Draws catalogues and holds the plan of each, and the steps that follow from it, to the model. */
export function checkPlans(count: number, seed?: number): Met {
  const random = seed === undefined ? new SeededRandom() : new SeededRandom(seed);
  const met: Met = { kept: 0, removed: 0, segmentsKept: 0, segmentsRemoved: 0, due: 0 };
  for (let i = 0; i < count; i++) {
    const own = random.fork();
    try {
      checkPlan(drawCatalogue(own), met);
    } catch (error) {
      throw new Error(`catalogue ${i} of seed ${random.seed} (checkPlan of seed ${own.seed})`, {
        cause: error,
      });
    }
  }
  return met;
}

function checkPlan(drawn: DrawnCatalogue, met: Met): void {
  const { facts, policy, now, marks } = drawn;
  const plan = planRetention(facts, policy, now);
  const keep = plan.backups.filter((verdict) => verdict.keep).map(({ id }) => id);
  expectSame(keep, backupsToKeep(drawn));
  met.kept += keep.length;
  met.removed += plan.backups.length - keep.length;
  for (const verdict of plan.backups) expectReasons(verdict);

  const going = new Set(
    plan.logs.flatMap(({ timelines }) =>
      timelines.flatMap(({ removable }) => removable.map(({ name }) => name)),
    ),
  );
  const objects = facts.logs.flatMap((log) => (log.problem === undefined ? log.objects : []));
  const staying = objects.map(({ name }) => name).filter((name) => !going.has(name));
  expectSame(staying, segmentsToKeep(drawn));
  met.segmentsKept += staying.length;
  met.segmentsRemoved += going.size;

  const steps = stepsOf(plan, marks, policy);
  checkRemovals(drawn, { keep: new Set(keep), going, steps });
  met.due += steps.backups.length;
}

function expectReasons({
  keep,
  reasons,
  expired,
}: {
  keep: boolean;
  reasons: unknown[] | readonly unknown[];
  expired: readonly unknown[];
}): void {
  if (keep ? reasons.length === 0 : reasons.length > 0 || expired.length === 0)
    throw new Error('a verdict does not say why');
}

interface Removals {
  keep: ReadonlySet<string>;
  going: ReadonlySet<string>;
  steps: ReturnType<typeof stepsOf>;
}

type Expiring = DrawnCatalogue['marks'][number]['of'];

function checkRemovals(drawn: DrawnCatalogue, removals: Removals): void {
  const { marks, now, policy } = drawn;
  const isDue = (matches: (of: Expiring) => boolean): boolean =>
    marks.some(
      ({ of, marked }) =>
        matches(of) && marked !== undefined && marked <= now && now - marked >= policy.grace,
    );
  checkBackupRemovals(drawn, removals, (id) => isDue((of) => of === id));
  checkLogRemovals(removals, isDue);
}

function checkBackupRemovals(
  { facts }: DrawnCatalogue,
  { keep, steps }: Removals,
  isDue: (id: string) => boolean,
): void {
  const left = new Set(facts.backups);
  const isBuiltOn = (id: string): boolean =>
    [...left].some((other) => other.id !== id && (other.parent === id || other.chain === id));
  for (const record of steps.backups) {
    if (keep.has(record.id) || !isDue(record.id))
      throw new Error(`${record.id} is kept or not due, and goes`);
    left.delete(record);
    if (isBuiltOn(record.id)) throw new Error(`${record.id} goes before what builds on it`);
  }
  for (const { id } of left)
    if (!keep.has(id) && isDue(id) && !isBuiltOn(id)) throw new Error(`${id} is due and stays`);
}

function checkLogRemovals(
  { going, steps }: Removals,
  isDue: (matches: (of: Expiring) => boolean) => boolean,
): void {
  for (const { systemIdentifier, timeline, before, objects } of steps.logs) {
    const matches = (of: Expiring): boolean =>
      typeof of !== 'string' &&
      of.systemIdentifier === systemIdentifier &&
      of.timeline === timeline &&
      of.before >= before;
    if (!isDue(matches)) throw new Error(`the log of timeline ${timeline} goes before its time`);
    // what a crash leaves of it must not have a hole
    if (objects.some(({ start }, i) => i > 0 && start < objects[i - 1]!.start))
      throw new Error(`the log of timeline ${timeline} does not go oldest first`);
    for (const { name, start } of objects)
      if (!going.has(name) || start >= before) throw new Error(`${name} is kept and goes`);
  }
}

function expectSame(found: readonly string[], wanted: ReadonlySet<string>): void {
  const [a, b] = [[...found].sort(), [...wanted].sort()];
  // jest's comparison takes longer than all the rest
  if (a.join() !== b.join()) expect(a).toEqual(b);
}
