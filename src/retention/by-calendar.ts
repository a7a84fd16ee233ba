import { addMonths, calendarOf } from './calendar.ts';
import type { RetentionPolicy } from './policy.ts';
import type { RatedBackup } from './rated-backup.ts';
import type { ExpiredRule, Period } from './reason.ts';

const DAY = 86_400_000;

/**
 * The rules of the calendar that concern each backup of a lineage, with the time until which each keeps it: its days for
 * any, and weeks, months or years for the first good full backup of a week, month or year.
 * @param backups oldest first
 */
export function byCalendar(
  backups: readonly RatedBackup[],
  policy: RetentionPolicy,
): [id: string, rule: ExpiredRule][] {
  const rules = backups.map(({ id, started }): [string, ExpiredRule] => [
    id,
    { kind: 'days', until: started + policy.days * DAY },
  ]);
  const calendar = calendarOf(policy.timezone);
  const fulls = backups.filter(({ record, good }) => good && record.type === 'full');
  const until: Readonly<Record<Period, (started: number) => number>> = {
    week: (started) => started + policy.weeks * 7 * DAY,
    month: (started) => addMonths(started, policy.months),
    year: (started) => addMonths(started, 12 * policy.years),
  };
  for (const kind of ['week', 'month', 'year'] as const) {
    const seen = new Set<string>();
    for (const { id, started } of fulls) {
      const of = calendar[kind](started);
      if (seen.has(of)) continue;
      seen.add(of);
      rules.push([id, { kind, of, until: until[kind](started) }]);
    }
  }
  return rules;
}
