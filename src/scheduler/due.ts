import type { RunReason } from './run-record.ts';

/** A slot noticed later than this was missed, and its run is a catch-up. The scheduler looks every 30 s. */
const ON_TIME_MS = 60_000;
/** Runs dated further ahead were started under a wrong clock; they would satisfy every slot until their date. */
const CLOCK_TOLERANCE_MS = 3_600_000;
/** A clock set back by more than this was wrong before: what it dated says nothing of the slots to come. */
const SET_BACK_MS = 86_400_000;
/** Before a run is started again whose process died: the first time at once, then after a minute, four, sixteen … */
const AGAIN_AFTER_MS = 60_000;
const AGAIN_GROWTH = 4;
const AGAIN_LONGEST_MS = 6 * 3_600_000;

/** One run of the task on record. Times are milliseconds since 1970 UTC. */
export interface Attempt {
  /** What it was to satisfy. */
  readonly slot?: number;
  readonly started: number;
  /** Absent while it runs, and when its end is not known. */
  readonly ended?: number;
  readonly state: 'running' | 'interrupted' | 'over';
  /** Whoever typed a command that was broken off types it again, or not. */
  readonly byCommand?: boolean;
}

/** What the decision rests on. Times are milliseconds since 1970 UTC. */
export interface DueFacts {
  readonly now: number;
  /** Whether this process has already tried to make the first backup. */
  readonly firstTried: boolean;
  /** The last slot at or before now, and the first one behind now; undefined without a schedule. */
  readonly slot: number | undefined;
  readonly nextSlot: number | undefined;
  /** When the slot could first be run: later than itself where it lies in a blackout. */
  readonly released: number | undefined;
  /** Runs of the task, in the order in which they were put on record. */
  readonly attempts: readonly Attempt[];
  /** When the newest result in the repository was begun; `unknown` while the repository cannot be read. */
  readonly newest: number | 'none' | 'unknown';
  readonly catchUp: 'latest' | 'none';
  /** Milliseconds after a missed slot within which it is still run. */
  readonly catchUpWindow: number;
  /** The objective is broken already: then no window keeps a missed run from being made up for. */
  readonly overdue: boolean;
  /** How long a run takes, milliseconds; 0 where none ever succeeded. */
  readonly expectedDuration: number;
}

export type Due =
  | {
      readonly kind: 'run';
      readonly reason: Extract<RunReason, 'first' | 'schedule' | 'catch_up' | 'rerun'>;
      readonly slot: number | undefined;
    }
  /** The slot was missed, and is not made up for. */
  | { readonly kind: 'drop'; readonly slot: number; readonly why: string };

/**
 * Whether the task is to be run now, and why; undefined to wait.
 *
 * - A repository without any backup gets its first at once, tried once in the life of a process.
 * - A run that was interrupted is run again, sooner or later: the more often its process died, the later.
 * - A slot is satisfied by an attempt since then or at that time, whatever its result.
 * - Many missed slots become one run, or none where they were missed by too much.
 */
export function dueNow(facts: DueFacts): Due | undefined {
  const attempts = believable(facts);
  if (attempts.some(({ state }) => state === 'running')) return undefined;
  const slot = facts.slot !== undefined && !isSatisfied(facts.slot, attempts) ? facts.slot : undefined;
  const again = runAgainAt(attempts, facts.newest);
  if (again !== undefined && facts.now < again) return onTime(facts, slot);
  if (facts.newest === 'none' && !facts.firstTried) return { kind: 'run', reason: 'first', slot };
  if (again !== undefined) return { kind: 'run', reason: 'rerun', slot: slot ?? attempts.at(-1)?.slot };
  return onTime(facts, slot) ?? missed(facts, slot);
}

/**
 * Whether the last slot was missed: it is past by more than the scheduler needs, nothing has satisfied it, and somebody was there to
 * miss it.
 */
export function isMissed(
  facts: Pick<DueFacts, 'now' | 'slot' | 'released' | 'attempts' | 'newest'>,
): boolean {
  const { now, slot, released } = facts;
  if (slot === undefined || wasNobodyThere(facts)) return false;
  return lateness(now, slot, released) > ON_TIME_MS && !isSatisfied(slot, believable(facts));
}

/** Nothing ran before this slot: it was not missed, there was nobody yet to miss it. */
function wasNobodyThere({ attempts, newest }: Pick<DueFacts, 'attempts' | 'newest'>): boolean {
  return attempts.length === 0 && typeof newest !== 'number';
}

function lateness(now: number, slot: number, released: number | undefined): number {
  return now - Math.max(slot, released ?? slot);
}

function onTime({ now, released }: DueFacts, slot: number | undefined): Due | undefined {
  if (slot === undefined || lateness(now, slot, released) > ON_TIME_MS) return undefined;
  return { kind: 'run', reason: 'schedule', slot };
}

function missed(facts: DueFacts, slot: number | undefined): Due | undefined {
  const { now, released, nextSlot } = facts;
  if (slot === undefined || wasNobodyThere(facts)) return undefined;
  const late = lateness(now, slot, released);
  if (facts.catchUp === 'none') return { kind: 'drop', slot, why: 'missed slots are not caught up' };
  if (late > facts.catchUpWindow && !facts.overdue) {
    return { kind: 'drop', slot, why: 'it was missed by more than the catch-up window' };
  }
  if (nextSlot !== undefined && nextSlot - now < facts.expectedDuration) {
    return { kind: 'drop', slot, why: 'the next slot comes before a run would be over' };
  }
  return { kind: 'run', reason: 'catch_up', slot };
}

/**
 * The attempts whose dates can be believed; the newest result in the repository tells of one too, since the state
 * directory may be gone.
 */
function believable({ attempts, newest, now }: Pick<DueFacts, 'attempts' | 'newest' | 'now'>): Attempt[] {
  const stored: Attempt[] = typeof newest === 'number' ? [{ started: newest, state: 'over' }] : [];
  return [...stored, ...sinceSetBack(attempts, now)].filter(
    // a slot that is past was done, however late the clock then said it was
    ({ slot, started }) => Math.min(slot ?? started, started) <= now + CLOCK_TOLERANCE_MS,
  );
}

function sinceSetBack(attempts: readonly Attempt[], now: number): readonly Attempt[] {
  let earliest = now;
  for (let index = attempts.length - 1; index >= 0; index--) {
    const { started } = attempts[index] ?? { started: earliest };
    if (started > earliest + SET_BACK_MS) return attempts.slice(index + 1);
    earliest = Math.min(earliest, started);
  }
  return attempts;
}

function isSatisfied(slot: number, attempts: readonly Attempt[]): boolean {
  return attempts.some((attempt) => {
    if (attempt.state === 'interrupted') return false;
    // its own slot counts also where the clock was set back between the decision and the start
    return Math.max(attempt.slot ?? attempt.started, attempt.ended ?? attempt.started) >= slot;
  });
}

/** From when on the last run is to be run again; undefined where it was not interrupted. */
function runAgainAt(attempts: readonly Attempt[], newest: DueFacts['newest']): number | undefined {
  const last = attempts.at(-1);
  if (last?.state !== 'interrupted' || last.byCommand === true) return undefined;
  // its process died behind its last step, before it could write the end down; names of results have whole seconds
  if (typeof newest === 'number' && newest + 1000 > last.started) return undefined;
  const firstOfThese = attempts.findLastIndex(({ state }) => state !== 'interrupted') + 1;
  // one with an end was stopped in good order: that was nobody's fault
  const deaths = attempts.slice(firstOfThese).filter(({ ended }) => ended === undefined).length;
  if (deaths < 2) return last.started;
  return last.started + Math.min(AGAIN_LONGEST_MS, AGAIN_AFTER_MS * AGAIN_GROWTH ** (deaths - 2));
}
