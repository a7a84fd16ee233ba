import { formatDuration, formatTime, plural } from '../../format.ts';
import { freedBytes, sizeOf, viewPlan } from '../../retention/plan-view.ts';
import type { RetentionPolicy } from '../../retention/policy.ts';
import { planRetention, type RetentionPlan } from '../../retention/retention-plan.ts';
import { valueOf } from '../facts/known.ts';
import type { StrategyFacts } from '../facts/strategy-facts.ts';
import type { RetentionClass, StrategyReport } from '../strategy-report.ts';
import { calendarClass } from './calendar-class.ts';
import type { Recovery } from './recovery.ts';

type Retention = NonNullable<StrategyReport['retention']>;

/** What is wanted kept beside what is kept, and what goes next; null where there is no policy, or it cannot be applied. */
export function retentionSection(facts: StrategyFacts, recovery: Recovery | null): Retention | null {
  const { wanted, now } = facts;
  const state = valueOf(facts.retention);
  if (wanted === undefined || state === undefined) return null;
  const { policy } = wanted;
  const plan = planRetention(state.facts, policy, now);
  const shown = { plan, marks: state.marks, policy };
  const { all, now: nextRun } = freedBytes(shown);
  return {
    classes: [
      daysClass(plan, policy),
      ...(['week', 'month', 'year'] as const).map((period) => calendarClass(period, plan, policy)),
      floorClass(plan, policy),
      verifiedClass(plan),
      windowClass(facts, wanted.receives, recovery),
      heldClass(plan),
    ],
    removals: viewPlan(shown)
      .backups.filter(({ keep }) => !keep)
      .map(({ id, bytes, due, removableFrom, reasons }) => ({
        id,
        bytes,
        when: whenText(due, removableFrom),
        why: reasons.map(({ text }) => text).join('; '),
      })),
    logBytes: sizeOf(plan.logs.flatMap(({ timelines }) => timelines.flatMap(({ removable }) => removable))),
    bytes: { all, nextRun },
  };
}

function whenText(due: boolean, removableFrom: string | null): string {
  if (due) return 'by the next run';
  return removableFrom === null
    ? 'marked by the next run, removed after the grace period'
    : `from ${formatTime(removableFrom)} on`;
}

function countOf(plan: RetentionPlan, kind: string): number {
  return plan.backups.filter(({ reasons }) => reasons.some((reason) => reason.kind === kind)).length;
}

function daysClass(plan: RetentionPlan, { days }: RetentionPolicy): RetentionClass {
  return {
    name: 'days',
    wanted: `every backup of the last ${days} days`,
    kept: plural(countOf(plan, 'days'), 'backup'),
    // nothing that is young is ever removed; whether one was never taken is not for retention to say
    fulfilled: true,
    remark: null,
  };
}

function floorClass(plan: RetentionPlan, { floor }: RetentionPolicy): RetentionClass {
  const kept = countOf(plan, 'floor');
  return {
    name: 'floor',
    wanted: `${plural(floor, 'full backup')}, whatever their age`,
    kept: plural(kept, 'full backup'),
    // it never removes one of the last: where there are fewer, there were never more
    fulfilled: true,
    remark: kept >= floor ? null : 'there are no more yet',
  };
}

function verifiedClass(plan: RetentionPlan): RetentionClass {
  const kept = countOf(plan, 'newest-verified');
  return {
    name: 'newest verified',
    wanted: 'the newest backup that a restore has proven',
    kept: kept === 0 ? 'none' : '1 backup',
    fulfilled: kept > 0,
    remark: kept > 0 ? null : 'no backup was proven by a restore',
  };
}

function heldClass(plan: RetentionPlan): RetentionClass {
  const kept = countOf(plan, 'held');
  return {
    name: 'held',
    wanted: 'what somebody holds',
    kept: plural(kept, 'backup'),
    fulfilled: true,
    remark: null,
  };
}

/** How far back any point can be restored to, in one stretch that reaches the newest one. */
function windowClass(facts: StrategyFacts, receives: boolean, recovery: Recovery | null): RetentionClass {
  const promised = facts.wanted?.policy.transactionLog ?? 0;
  const name = 'transaction log';
  const wanted = `any point of the last ${formatDuration(promised / 1000)}`;
  if (!receives)
    return { name, wanted, kept: 'nothing', fulfilled: null, remark: 'receiving the log is switched off' };
  if (recovery === null || 'unknown' in facts.log)
    return { name, wanted, kept: 'not known', fulfilled: null, remark: 'the log cannot be looked at' };
  const newest = recovery.windows.toSorted((a, b) => (a.until.time < b.until.time ? 1 : -1))[0];
  if (newest === undefined)
    return { name, wanted, kept: 'nothing', fulfilled: false, remark: 'no backup can be rolled forward' };
  const isFirst = recovery.backups[0]?.id === newest.backup;
  return { name, wanted, ...windowVerdict(facts, newest, { promised, isFirst }) };
}

function windowVerdict(
  { now, wanted }: StrategyFacts,
  { from, until }: Recovery['windows'][number],
  { promised, isFirst }: { readonly promised: number; readonly isFirst: boolean },
): Pick<RetentionClass, 'kept' | 'fulfilled' | 'remark'> {
  const reaches = now - Date.parse(from.time) >= promised;
  const isCurrent = now - Date.parse(until.time) <= (wanted?.rpo ?? 0);
  return {
    kept: `any point from ${formatTime(from.time)} to ${formatTime(until.time)}`,
    fulfilled: (reaches || isFirst) && isCurrent,
    remark: reaches || !isFirst ? null : 'from the first backup on',
  };
}
