import { Cron } from 'croner';
import { LarderError } from '../errors.ts';

const FIVE_FIELDS = /^\S+(\s+\S+){4}$/;
const NICKNAME = /^@[a-z]+$/i;
const ZONE = /^[A-Za-z][\w+/-]*$/;

/**
 * When something is due: a cron pattern of five fields (or a nickname such as `@daily`) in a time zone.
 * croner computes the times and nothing else; what ran and what was missed is decided in due.ts.
 *
 * In a zone with daylight saving a pattern of one fixed time runs at the end of the gap in spring and once in
 * autumn, so no day is left without its backup.
 */
export class Schedule {
  readonly pattern: string;
  readonly zone: string;
  readonly #cron: Cron;
  #known: Slots | undefined;

  /** Throws CONFIG_INVALID for a pattern that is not understood or never fires, and for an unknown zone. */
  constructor(pattern: string, zone = 'UTC') {
    this.pattern = pattern.trim();
    this.zone = zone;
    this.#cron = parse(this.pattern, zone);
  }

  /**
   * Reads `0 2 * * *`, or `0 2 * * * Europe/Berlin` with the zone behind the pattern. Throws as the constructor.
   */
  static parse(text: string): Schedule {
    const words = text.trim().split(/\s+/);
    const fields = NICKNAME.test(words[0] ?? '') ? 1 : 5;
    const [zone, ...rest] = words.slice(fields);
    // croner would read a sixth field as seconds, and fire sixty times a minute
    if (rest.length > 0 || (zone !== undefined && !ZONE.test(zone))) throw notUnderstood(text);
    return new Schedule(words.slice(0, fields).join(' '), zone);
  }

  /** As `parse` reads it; without the zone where that is UTC. */
  toString(): string {
    return this.zone === 'UTC' ? this.pattern : `${this.pattern} ${this.zone}`;
  }

  /** The first slot after `moment`, both in milliseconds since 1970 UTC. */
  nextRun(moment: number): number {
    return this.#around(moment).next;
  }

  /** The last slot at or before `moment`, both in milliseconds since 1970 UTC. */
  previousRun(moment: number): number | undefined {
    return this.#around(moment).previous;
  }

  /** Asked twice a minute for days on end between two slots, and croner searches minute by minute. */
  #around(moment: number): Slots {
    const known = this.#known;
    if (known?.previous !== undefined && known.previous <= moment && moment < known.next) return known;
    const next = this.#cron.nextRun(new Date(moment));
    // unreachable for a pattern the constructor took, unless the moment lies beyond the calendar
    if (next === null) throw new LarderError('INTERNAL', `schedule "${this.pattern}" has no next run`);
    // croner leaves out a slot at the reference itself
    const previous = this.#cron.previousRuns(1, new Date(moment + 1))[0]?.getTime();
    return (this.#known = { previous, next: next.getTime() });
  }
}

/** Two slots with none between them, in milliseconds since 1970 UTC. */
interface Slots {
  readonly previous: number | undefined;
  readonly next: number;
}

function parse(pattern: string, zone: string): Cron {
  // croner also takes a single date, which as a schedule would fire once and never again
  if (!FIVE_FIELDS.test(pattern) && !NICKNAME.test(pattern)) throw notUnderstood(pattern);
  requireZone(zone);
  let cron: Cron;
  try {
    cron = new Cron(pattern, { ...zoneOption(zone), mode: '5-part', paused: true });
  } catch (error) {
    throw notUnderstood(pattern, error);
  }
  if (cron.nextRun(new Date(0)) === null) {
    throw new LarderError('CONFIG_INVALID', `schedule "${pattern}" never fires`, {
      hint: 'Choose a day that exists in one of the months; "0 2 * * 0" is every Sunday at 02:00.',
    });
  }
  return cron;
}

/** An offset of none where that is what the zone means: the first time zone that a process asks for costs it 40 ms. */
function zoneOption(zone: string): { readonly utcOffset: 0 } | { readonly timezone: string } {
  return zone === 'UTC' ? { utcOffset: 0 } : { timezone: zone };
}

/** Throws CONFIG_INVALID for a zone that is not known. */
export function requireZone(zone: string): void {
  if (zone === 'UTC') return;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
  } catch (error) {
    throw new LarderError('CONFIG_INVALID', `time zone "${zone}" is not known`, {
      hint: 'Use an IANA name such as UTC or Europe/Berlin.',
      cause: error,
    });
  }
}

function notUnderstood(pattern: string, cause?: unknown): LarderError {
  return new LarderError('CONFIG_INVALID', `schedule "${pattern}" is not a cron pattern`, {
    hint: 'Write five fields: minute, hour, day of month, month, day of week, and a time zone behind them where it is not UTC; "0 2 * * 0" is every Sunday at 02:00.',
    cause,
  });
}
