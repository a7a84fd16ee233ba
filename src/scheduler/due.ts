import type { RunReason } from './run-record.ts';

/** A slot noticed later than this was missed, and its run is a catch-up. The scheduler looks every 30 s. */
const ON_TIME_MS = 60_000;
/** A process that dies with its backup, again and again, must not start one at every restart. */
const INTERRUPTED_ATTEMPTS = 3;
/** Runs dated further ahead were started under a wrong clock; they would satisfy every slot until their date. */
const CLOCK_TOLERANCE_MS = 3_600_000;

export interface Attempt {
  /** Milliseconds since 1970 UTC. */
  readonly started: number;
  /** Absent while it runs, and when its end is not known. */
  readonly ended?: number;
  readonly state: 'running' | 'interrupted' | 'over';
}

/** What the decision rests on. Times are milliseconds since 1970 UTC. */
export interface DueFacts {
  readonly now: number;
  /** Whether this process has already tried to make the first backup. */
  readonly firstTried: boolean;
  /** The last slot at or before now. */
  readonly slot: number | undefined;
  /** Runs of the task on record. */
  readonly attempts: readonly Attempt[];
  /** When the newest backup in the repository was started; `unknown` while the repository cannot be read. */
  readonly newestBackup: number | 'none' | 'unknown';
}

/**
 * Whether the task is to be run now, and why; undefined to wait.
 *
 * - A repository without any backup gets its first at once, tried once in the life of a process.
 * - A slot is satisfied by an attempt since then or at that time, whatever its result; an interrupted one is repeated.
 * - Many missed slots become one run.
 */
export function dueNow(facts: DueFacts): Extract<RunReason, 'first' | 'schedule' | 'catch_up'> | undefined {
  const attempts = believable(facts);
  if (isFirstDue(facts, attempts)) return 'first';
  const { now, slot } = facts;
  if (slot === undefined || isSatisfied(slot, attempts)) return undefined;
  if (now - slot <= ON_TIME_MS) return 'schedule';
  // nothing ran before this slot: it was not missed, there was nobody yet to miss it
  return attempts.length > 0 ? 'catch_up' : undefined;
}

/** The state directory may be gone: the newest backup tells of an attempt too. */
function believable({ attempts, newestBackup, now }: DueFacts): Attempt[] {
  const stored: Attempt[] =
    typeof newestBackup === 'number' ? [{ started: newestBackup, state: 'over' }] : [];
  return [...attempts, ...stored].filter(({ started }) => started <= now + CLOCK_TOLERANCE_MS);
}

function isFirstDue({ newestBackup, firstTried }: DueFacts, attempts: readonly Attempt[]): boolean {
  return newestBackup === 'none' && !firstTried && !attempts.some(({ state }) => state === 'running');
}

function isSatisfied(slot: number, attempts: readonly Attempt[]): boolean {
  const since = attempts.filter(
    ({ started, ended, state }) => started >= slot || state === 'running' || (ended ?? started) >= slot,
  );
  const interrupted = since.filter(({ state }) => state === 'interrupted').length;
  return interrupted < since.length || interrupted >= INTERRUPTED_ATTEMPTS;
}
