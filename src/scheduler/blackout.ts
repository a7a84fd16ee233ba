import { LarderError } from '../errors.ts';
import { requireZone } from './schedule.ts';

/** A time of day, on some days of the week, in which nothing heavy is started. */
export interface Blackout {
  /** Minutes since midnight. An end at or before the start lies on the next day. */
  readonly from: number;
  readonly to: number;
  /** Days it begins on; 0 is Sunday. */
  readonly days: ReadonlySet<number>;
  readonly zone: string;
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MINUTES_OF_DAY = 1440;
const MINUTE_MS = 60_000;
const WINDOW = /^(?:([a-z]{3}(?:-[a-z]{3})?)\s+)?(\d{2}):(\d{2})-(\d{2}):(\d{2})(?:\s+([A-Za-z][\w+/-]*))?$/i;
/** A blackout is over within a day, also where clocks are set back in it; several can follow each other for a week. */
const LONGEST_MS = 8 * 24 * 60 * MINUTE_MS;

/** Reads `08:00-18:00`, `mon-fri 08:00-18:00 Europe/Berlin`, and several with commas between them. Throws CONFIG_INVALID. */
export function parseBlackouts(text: string): Blackout[] {
  return text.split(',').map((part) => parseBlackout(part.trim()));
}

/** Whether nothing heavy is to be started at `moment`, milliseconds since 1970 UTC. */
export function isBlackedOut(blackouts: readonly Blackout[], moment: number): boolean {
  return blackouts.some((blackout) => covers(blackout, moment));
}

/**
 * The first moment at or after `moment` that no blackout covers, to the minute: when a slot that lies in one may be run.
 * `moment` itself where blackouts leave no time at all.
 */
export function endOfBlackout(blackouts: readonly Blackout[], moment: number): number {
  if (!isBlackedOut(blackouts, moment)) return moment;
  const first = Math.floor(moment / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
  for (let at = first; at < moment + LONGEST_MS; at += MINUTE_MS) {
    if (!isBlackedOut(blackouts, at)) return at;
  }
  return moment;
}

function covers({ from, to, days, zone }: Blackout, moment: number): boolean {
  const { day, minute } = localTime(moment, zone);
  const yesterday = (day + 6) % 7;
  if (from < to) return days.has(day) && minute >= from && minute < to;
  return (days.has(day) && minute >= from) || (days.has(yesterday) && minute < to);
}

function localTime(moment: number, zone: string): { day: number; minute: number } {
  if (zone === 'UTC') {
    const minutes = Math.floor(moment / MINUTE_MS);
    // 1 January 1970 was a Thursday
    return { day: (Math.floor(minutes / MINUTES_OF_DAY) + 4) % 7, minute: minutes % MINUTES_OF_DAY };
  }
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(moment)
      .map(({ type, value }) => [type, value]),
  );
  const minute = Number(parts['hour']) * 60 + Number(parts['minute']);
  return { day: DAYS.indexOf((parts['weekday'] ?? '').toLowerCase()), minute };
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Making one takes a thousand times as long as using it. */
function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  formats.set(zone, format);
  return format;
}

function parseBlackout(text: string): Blackout {
  const [, days, fromHour, fromMinute, toHour, toMinute, zone = 'UTC'] = WINDOW.exec(text) ?? [];
  const from = minuteOfDay(fromHour, fromMinute);
  const to = minuteOfDay(toHour, toMinute);
  const which = days === undefined ? new Set(DAYS.keys()) : daysOf(days.toLowerCase());
  // the same time twice would be all day or never: nobody can know which was meant
  if (from === undefined || to === undefined || which === undefined || from === to) throw notUnderstood(text);
  requireZone(zone);
  return { from, to, days: which, zone };
}

function minuteOfDay(hour: string | undefined, minute: string | undefined): number | undefined {
  const [hours, minutes] = [Number(hour), Number(minute)];
  const isTime = (hours < 24 && minutes < 60) || (hours === 24 && minutes === 0);
  return isTime ? (hours * 60 + minutes) % MINUTES_OF_DAY : undefined;
}

function daysOf(text: string): Set<number> | undefined {
  const [first = '', last = first] = text.split('-');
  const [from, to] = [DAYS.indexOf(first), DAYS.indexOf(last)];
  if (from < 0 || to < 0) return undefined;
  const count = ((to - from + 7) % 7) + 1;
  return new Set(Array.from({ length: count }, (_, n) => (from + n) % 7));
}

function notUnderstood(text: string): LarderError {
  return new LarderError('CONFIG_INVALID', `"${text}" is not a blackout window`, {
    hint: 'Write "08:00-18:00", "mon-fri 08:00-18:00 Europe/Berlin", or several with commas between them.',
  });
}
