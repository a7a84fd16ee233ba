const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** How long what is kept. Nothing here is ever shortened by what cannot be read. */
export interface RetentionPolicy {
  /** Every backup is kept for this many days from its start, whatever its type and whoever asked for it. */
  readonly days: number;
  /** The first full backup of an ISO week is kept for this many weeks from its start; 0: no longer than any other. */
  readonly weeks: number;
  /** The first full backup of a month, in calendar months. */
  readonly months: number;
  /** The first full backup of a year, in calendar years. */
  readonly years: number;
  /** Milliseconds back from now in which every point stays in reach: the promised window. */
  readonly transactionLog: number;
  /** Full backups that are kept whatever their age; at least 1. */
  readonly floor: number;
  /** Milliseconds between the run that marks something and the first run that may remove it. */
  readonly grace: number;
  /** The zone in which weeks, months and years begin: `UTC`, `Europe/Berlin`. */
  readonly timezone: string;
}

export const DEFAULT_POLICY: RetentionPolicy = {
  days: 30,
  weeks: 12,
  months: 12,
  years: 7,
  transactionLog: 7 * DAY,
  floor: 2,
  grace: DAY,
  timezone: 'UTC',
};

/** Milliseconds that our clock may be off from the server's: with a wrong clock everything looks old. */
export const LARGEST_SKEW = 5 * 60_000;
