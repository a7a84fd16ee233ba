import { parseLsn } from '../../src/postgres/lsn.ts';

/** What a server's log says of its archive recovery. */
export interface Replay {
  /** From the start of the server to the end of the recovery, before its last checkpoint. */
  readonly totalSeconds: number;
  /** Of it from the first record to the last. */
  readonly redoSeconds: number;
  readonly walBytes: number;
}

/** What `readReplay` needs a server to be started with. */
export const REPLAY_LOG_SETTINGS: Readonly<Record<string, string>> = {
  log_line_prefix: '%m ',
  log_timezone: 'UTC',
  log_min_messages: 'log',
};

/**
 * Reads the log of one start, written with REPLAY_LOG_SETTINGS:
 *
 *     2026-11-24 02:10:00.123 UTC LOG:  starting PostgreSQL 18.6 …
 *     2026-11-24 02:10:00.456 UTC LOG:  redo starts at 0/2000028
 *     2026-11-24 02:10:09.456 UTC LOG:  redo done at 0/82000110 system usage: …
 *     2026-11-24 02:10:09.789 UTC LOG:  archive recovery complete
 *
 * Throws an Error that names the line that is not there.
 */
export function readReplay(log: string): Replay {
  const begun = lineTime(log, 'starting PostgreSQL');
  const [first, last] = [lineTime(log, 'redo starts at'), lineTime(log, 'redo done at')];
  const complete = lineTime(log, 'archive recovery complete');
  return {
    totalSeconds: (complete - begun) / 1000,
    redoSeconds: (last - first) / 1000,
    walBytes: Number(position(log, 'redo done at') - position(log, 'redo starts at')),
  };
}

function lineTime(log: string, words: string): number {
  const match = new RegExp(`^(\\S+) (\\S+) UTC LOG: {2}${words}`, 'm').exec(log);
  if (match === null) throw new Error(`the server's log has no line "${words}"`);
  return Date.parse(`${match[1] ?? ''}T${match[2] ?? ''}Z`);
}

function position(log: string, words: string): bigint {
  const lsn = parseLsn(new RegExp(`LOG: {2}${words} ([0-9A-F]+/[0-9A-F]+)`).exec(log)?.[1] ?? '');
  if (lsn === undefined) throw new Error(`the server's log has no position behind "${words}"`);
  return lsn;
}
