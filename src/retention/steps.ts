import type { CommitRecord } from '../repository/commit-record.ts';
import type { Expiring, ExpiryMark } from '../repository/expiry-mark.ts';
import type { ExpiredLog } from '../repository/layout.ts';
import { neededBy } from './closure.ts';
import type { BackupVerdict } from './plan.ts';
import type { LogObject, TimelineVerdict } from './plan-log.ts';
import type { RetentionPolicy } from './policy.ts';
import type { RetentionPlan } from './retention-plan.ts';

/** A stretch of the log that goes now. */
export interface LogRemoval extends ExpiredLog {
  /** Oldest first. */
  readonly objects: readonly LogObject[];
}

/** What one run does, in this order. */
export interface RetentionSteps {
  /** Marks of what is kept after all, of what is gone, and those that cannot be read. */
  readonly unmark: readonly ExpiryMark[];
  readonly mark: readonly Expiring[];
  /** Newest dependant first: nothing ever stands there without what it builds on. */
  readonly backups: readonly CommitRecord[];
  readonly logs: readonly LogRemoval[];
}

/**
 * What of a plan is due: marked by an earlier run, at least the grace period ago, and still not kept. Everything else that
 * is not kept is marked now. A backup goes only together with, or after, everything that builds on it.
 */
export function stepsOf(
  plan: RetentionPlan,
  marks: readonly ExpiryMark[],
  { grace }: Pick<RetentionPolicy, 'grace'>,
): RetentionSteps {
  const { now } = plan;
  // a mark of the future was made by a clock that was wrong
  const valid = marks.filter(({ marked }) => marked !== undefined && marked <= now);
  const due = valid.filter(({ marked }) => marked !== undefined && now - marked >= grace);
  const expired = expiredOf(plan);
  const standing = valid.filter(({ of }) => expired.some((each) => isCovered(of, each)));
  const marked = new Set(standing.map(({ of }) => keyOf(of)));
  return {
    unmark: marks.filter((mark) => !standing.includes(mark)),
    mark: expired.filter((of) => !marked.has(keyOf(of))),
    backups: dueBackups(plan.backups, new Set(due.map(({ of }) => of))),
    logs: plan.logs.flatMap(({ systemIdentifier, timelines }) =>
      timelines.flatMap((timeline) => dueLog({ systemIdentifier, ...timeline }, due)),
    ),
  };
}

/** Everything that the plan does not keep. */
function expiredOf({ backups, logs }: RetentionPlan): Expiring[] {
  const ids = backups.flatMap(({ id, keep }) => (keep ? [] : [id]));
  const stretches = logs.flatMap(({ systemIdentifier, timelines }) =>
    timelines
      .filter(({ removable }) => removable.length > 0)
      .map(({ timeline, keepFrom }): ExpiredLog => ({ systemIdentifier, timeline, before: keepFrom })),
  );
  return [...ids, ...stretches];
}

/** A mark of the log stays while something before its position is to go: an older mark reaches less far. */
function isCovered(of: Expiring, expired: Expiring): boolean {
  if (typeof of === 'string' || typeof expired === 'string') return of === expired;
  const same = of.systemIdentifier === expired.systemIdentifier && of.timeline === expired.timeline;
  return same && of.before <= expired.before;
}

function keyOf(of: Expiring): string {
  return typeof of === 'string' ? of : `${of.systemIdentifier} ${of.timeline} ${of.before}`;
}

function dueBackups(verdicts: readonly BackupVerdict[], due: ReadonlySet<Expiring>): CommitRecord[] {
  const records = verdicts.flatMap(({ record }) => record ?? []);
  const byId = new Map(records.map((record) => [record.id, record]));
  const needs = new Map(records.map((record) => [record, neededBy(record, byId)]));
  let staying = verdicts.filter(({ id, keep }) => keep || !due.has(id)).flatMap(({ record }) => record ?? []);
  const going = new Set(records.filter((record) => !staying.includes(record)));
  while (staying.length > 0) {
    staying = [...going].filter(({ id }) => staying.some((record) => needs.get(record)?.has(id) === true));
    for (const record of staying) going.delete(record);
  }
  return dependantsFirst([...going], needs);
}

function dependantsFirst(
  going: readonly CommitRecord[],
  needs: ReadonlyMap<CommitRecord, ReadonlySet<string>>,
): CommitRecord[] {
  const left = new Set(going.toSorted((a, b) => (a.startTime < b.startTime ? 1 : -1)));
  const ordered: CommitRecord[] = [];
  while (left.size > 0) {
    const next = [...left].find(({ id }) => ![...left].some((other) => needs.get(other)?.has(id) === true));
    // records that build on each other in a circle are no chain: any order is as good
    const record = next ?? [...left][0];
    if (record === undefined) break;
    left.delete(record);
    ordered.push(record);
  }
  return ordered;
}

function dueLog(
  {
    systemIdentifier,
    timeline,
    keepFrom,
    removable,
  }: TimelineVerdict & { readonly systemIdentifier: string },
  due: readonly ExpiryMark[],
): LogRemoval[] {
  const positions = due.flatMap(({ of }) =>
    typeof of !== 'string' && of.systemIdentifier === systemIdentifier && of.timeline === timeline
      ? [of.before]
      : [],
  );
  const marked = positions.reduce((max, position) => (position > max ? position : max), 0n);
  const before = marked < keepFrom ? marked : keepFrom;
  const objects = removable.filter(({ start }) => start < before);
  return objects.length === 0 ? [] : [{ systemIdentifier, timeline, before, objects }];
}
