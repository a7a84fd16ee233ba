import { LarderError } from '../../errors.ts';

const UNITS: Readonly<Record<string, number>> = {
  second: 1,
  minute: 60,
  hour: 3600,
  day: 86_400,
  week: 604_800,
};
const DATE_TIME = /^(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,6}))?)?\s*(.*)$/;
const RELATIVE = /^(\d{1,9}(?:\.\d{1,3})?)\s*(second|minute|hour|day|week)s?\s+ago$/i;
/** Less than 16 hours, as PostgreSQL has it (MAX_TZDISP_HOUR). */
const OFFSET = /^([+-])(0\d|1[0-5])(?::?([0-5]\d))?$/;

/**
 * Reads a point in time as people write it: `2026-11-21 10:30:59.123+01`, with `T`, `Z`, `UTC`, an offset or the name of a
 * zone (`Europe/Berlin`) behind it, without any of these in UTC; `now`; `10 minutes ago`.
 * @param now milliseconds since 1970 UTC
 * @returns microseconds since 1970 UTC
 * @throws LarderError USAGE, also for a local time that a change of clocks leaves out or brings twice
 */
export function parseTime(text: string, now: number): bigint {
  const given = text.trim();
  if (given.toLowerCase() === 'now') return BigInt(now) * 1000n;
  const relative = RELATIVE.exec(given);
  if (relative !== null) {
    const seconds = Number(relative[1]) * (UNITS[relative[2]?.toLowerCase() ?? ''] ?? 0);
    return BigInt(Math.round(now - seconds * 1000)) * 1000n;
  }
  const match = DATE_TIME.exec(given);
  if (match === null) throw notTime(text);
  const local = readFields(match, text);
  return local - offsetOf(match[8] ?? '', local, text);
}

/** The fields as if they were UTC, microseconds. */
function readFields(match: RegExpExecArray, text: string): bigint {
  const [, year = '', month = '', day = '', hour = '', minute = '', second = '00', fraction = ''] = match;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const milliseconds = Date.parse(iso);
  // the 31st of a short month and hour 24 would be read as another time
  if (Number.isNaN(milliseconds) || new Date(milliseconds).toISOString() !== iso) throw notTime(text);
  return BigInt(milliseconds) * 1000n + BigInt(fraction.padEnd(6, '0'));
}

/** Microseconds that the zone is ahead of UTC at that local time. */
function offsetOf(zone: string, local: bigint, text: string): bigint {
  if (zone === '' || /^(z|utc|gmt)$/i.test(zone)) return 0n;
  const match = OFFSET.exec(zone);
  // Intl takes offsets for names of zones, and others than PostgreSQL does
  if (match === null && /^[+-]/.test(zone)) throw notTime(text, `there is no offset "${zone}"`);
  if (match === null) return namedOffset(zone, local, text);
  const seconds = Number(match[2]) * 3600 + Number(match[3] ?? 0) * 60;
  return BigInt(match[1] === '-' ? -seconds : seconds) * 1_000_000n;
}

/** Of the offsets the zone has a day before and after, those that lead back to the same local time are readings of it. */
function namedOffset(zone: string, local: bigint, text: string): bigint {
  const milliseconds = Number(local / 1000n);
  const day = 86_400_000;
  const candidates = new Set([
    zoneOffset(zone, milliseconds - day, text),
    zoneOffset(zone, milliseconds + day, text),
  ]);
  const readings = [...candidates].filter(
    (offset) => zoneOffset(zone, milliseconds - offset, text) === offset,
  );
  const [only, second] = readings;
  if (only !== undefined && second === undefined) return BigInt(only) * 1000n;
  const shown = [...candidates].map((offset) => new Date(milliseconds - offset).toISOString());
  const what = only === undefined ? 'does not exist' : 'exists twice';
  throw new LarderError('USAGE', `${JSON.stringify(text)} ${what} in ${zone}: the clocks are changed there`, {
    hint: `Say which: ${shown.join(' or ')}.`,
  });
}

/** Milliseconds that the zone is ahead of UTC at an instant. */
function zoneOffset(zone: string, instant: number, text: string): number {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw notTime(text, `there is no time zone "${zone}"`);
  }
  const part = new Map(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
  const of = (type: Intl.DateTimeFormatPartTypes): number => part.get(type) ?? 0;
  const local = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
  return local - Math.floor(instant / 1000) * 1000;
}

function notTime(text: string, why = 'that is no time'): LarderError {
  return new LarderError('USAGE', `cannot read ${JSON.stringify(text)}: ${why}`, {
    hint: 'Write 2026-11-21 10:30:00+01, 2026-11-21T09:30:00Z, "2026-11-21 10:30 Europe/Berlin", or "10 minutes ago"; without a zone it is UTC.',
  });
}

/** `2026-11-21 09:30:00.123456+00`: what PostgreSQL is given and people are shown. */
export function formatTimestamp(microseconds: bigint): string {
  // rounded towards the past, also before 1970
  const remainder = ((microseconds % 1000n) + 1000n) % 1000n;
  const iso = new Date(Number((microseconds - remainder) / 1000n)).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 23)}${String(remainder).padStart(3, '0')}+00`;
}
