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

function checkRemovals(
  { facts, marks, now, policy }: DrawnCatalogue,
  {
    keep,
    going,
    steps,
  }: { keep: ReadonlySet<string>; going: ReadonlySet<string>; steps: ReturnType<typeof stepsOf> },
): void {
  const isDue = (matches: (of: (typeof marks)[number]['of']) => boolean): boolean =>
    marks.some(
      ({ of, marked }) =>
        matches(of) && marked !== undefined && marked <= now && now - marked >= policy.grace,
    );
  const left = new Set(facts.backups);
  for (const record of steps.backups) {
    if (keep.has(record.id)) throw new Error(`${record.id} is kept and goes`);
    if (!isDue((of) => of === record.id)) throw new Error(`${record.id} goes before its time`);
    left.delete(record);
    const orphan = [...left].find((other) => other.parent === record.id || other.chain === record.id);
    if (orphan !== undefined) throw new Error(`${record.id} goes before ${orphan.id}`);
  }
  // what is due and left is needed by something that is not due
  for (const { id } of left) {
    if (keep.has(id) || !isDue((of) => of === id)) continue;
    if (![...left].some((other) => other.id !== id && (other.parent === id || other.chain === id)))
      throw new Error(`${id} is due and stays`);
  }
  for (const { systemIdentifier, timeline, before, objects } of steps.logs) {
    const marked = isDue(
      (of) =>
        typeof of !== 'string' &&
        of.systemIdentifier === systemIdentifier &&
        of.timeline === timeline &&
        of.before >= before,
    );
    if (!marked) throw new Error(`the log of timeline ${timeline} goes before its time`);
    for (const { name, start } of objects)
      if (!going.has(name) || start >= before) throw new Error(`${name} is kept and goes`);
  }
}

function expectSame(found: readonly string[], wanted: ReadonlySet<string>): void {
  const [a, b] = [[...found].sort(), [...wanted].sort()];
  // jest's comparison takes longer than all the rest
  if (a.join() !== b.join()) expect(a).toEqual(b);
}
