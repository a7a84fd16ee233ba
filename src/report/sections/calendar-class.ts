import { plural } from '../../format.ts';
import { calendarOf } from '../../retention/calendar.ts';
import type { RetentionPolicy } from '../../retention/policy.ts';
import type { Period } from '../../retention/reason.ts';
import type { RetentionPlan } from '../../retention/retention-plan.ts';
import type { RetentionClass } from '../strategy-report.ts';

const DAY = 86_400_000;
/** About; the calendar itself says where one begins. */
const DAYS: Readonly<Record<Period, number>> = { week: 7, month: 30.44, year: 365.25 };
/** Names of missing periods that are listed. */
const MOST_MISSING = 6;

/**
 * How many of the weeks, months or years since the first full backup have one that is kept for them. The current one counts
 * once it has one: its time may still come. The oldest is left out: its backup's own time may be over already.
 */
export function calendarClass(period: Period, plan: RetentionPlan, policy: RetentionPolicy): RetentionClass {
  const length = policy[`${period}s`];
  const named = {
    name: `${period}s`,
    wanted: `the first full backup of each of the last ${plural(length, period)}`,
  };
  if (length === 0) return { ...named, wanted: 'none', kept: 'none', fulfilled: true, remark: null };
  const kept = keptPeriods(period, plan);
  const missing = expectedPeriods(period, plan, policy).filter((of) => !kept.has(of));
  return {
    ...named,
    kept: plural(kept.size, period),
    fulfilled: missing.length === 0,
    remark: missing.length === 0 ? youngRemark(kept.size, length) : missingText(period, missing),
  };
}

function keptPeriods(period: Period, plan: RetentionPlan): Set<string> {
  const reasons = plan.backups.flatMap((verdict) => verdict.reasons);
  return new Set(reasons.flatMap((reason) => (reason.kind === period ? [reason.of] : [])));
}

function expectedPeriods(period: Period, plan: RetentionPlan, policy: RetentionPolicy): string[] {
  const calendar = calendarOf(policy.timezone)[period];
  const fulls = plan.backups.flatMap(({ record }) =>
    record?.type === 'full' && record.state === 'complete' ? [Date.parse(record.startTime)] : [],
  );
  if (fulls.length === 0) return [];
  const begin = Math.max(Math.min(...fulls), plan.now - policy[`${period}s`] * DAYS[period] * DAY);
  const names = new Set<string>();
  for (let day = begin; day < plan.now; day += DAY) names.add(calendar(day));
  const current = calendar(plan.now);
  return [...names].slice(1).filter((name) => name !== current);
}

function youngRemark(kept: number, wanted: number): string | null {
  return kept < wanted ? 'from the first backup on' : null;
}

function missingText(period: Period, missing: readonly string[]): string {
  const named = missing.slice(-MOST_MISSING).join(', ');
  return `${plural(missing.length, period)} without a good full backup: ${missing.length > MOST_MISSING ? '…, ' : ''}${named}`;
}
