const DAY = 86_400_000;

/** Which week, month and year an instant (ms since 1970 UTC) falls in, as a name that is the same for all of them. */
export interface Calendar {
  /** `2026-W47`, ISO 8601: weeks begin on Monday and belong to the year of their Thursday. */
  readonly week: (time: number) => string;
  /** `2026-11`. */
  readonly month: (time: number) => string;
  /** `2026`. */
  readonly year: (time: number) => string;
}

/** The calendar of a time zone. Throws a RangeError for a zone there is not. */
export function calendarOf(timezone: string): Calendar {
  const localDay = timezone === 'UTC' ? utcDay : zoneDay(timezone);
  const iso = (time: number, length: number): string =>
    new Date(localDay(time)).toISOString().slice(0, length);
  return {
    week: (time) => weekOf(localDay(time)),
    month: (time) => iso(time, 7),
    year: (time) => iso(time, 4),
  };
}

/** Midnight UTC of the day that it is. */
function utcDay(time: number): number {
  return Math.floor(time / DAY) * DAY;
}

/** Midnight UTC of the day that it is in the zone. */
function zoneDay(timeZone: string): (time: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
  });
  return (time) => {
    const part = new Map(format.formatToParts(time).map(({ type, value }) => [type, Number(value)]));
    return Date.UTC(part.get('year') ?? 0, (part.get('month') ?? 1) - 1, part.get('day') ?? 1);
  };
}

function weekOf(day: number): string {
  // 1 January 1970 was a Thursday
  const thursday = day + (3 - ((day / DAY + 3) % 7)) * DAY;
  const year = new Date(thursday).getUTCFullYear();
  const number = Math.floor((thursday - Date.UTC(year, 0, 1)) / (7 * DAY)) + 1;
  return `${year}-W${String(number).padStart(2, '0')}`;
}

/** The same day and time of day that many months later, in UTC; the last day of a month that is shorter. */
export function addMonths(time: number, months: number): number {
  const date = new Date(time);
  const first = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1);
  const next = new Date(first);
  const last = new Date(Date.UTC(next.getUTCFullYear(), next.getUTCMonth() + 1, 0)).getUTCDate();
  return first + (Math.min(date.getUTCDate(), last) - 1) * DAY + (time - utcDay(time));
}
