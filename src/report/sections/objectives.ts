import { formatTime } from '../../format.ts';
import { valueOf } from '../facts/known.ts';
import type { StrategyFacts } from '../facts/strategy-facts.ts';
import type { ReportedProof, StrategyReport } from '../strategy-report.ts';
import { endOf, type Recovery } from './recovery.ts';

type Objectives = StrategyReport['objectives'];
type Measured = Objectives['rpo']['now'];

/** A receiver writes its status every second: what is older than this says nothing of now. Milliseconds. */
const STALE = 15_000;

/** Objectives beside what is measured. */
export function objectivesSection(
  facts: StrategyFacts,
  recovery: Recovery | null,
  proofs: readonly ReportedProof[] | null,
): Objectives {
  return {
    rpo: rpo(facts, recovery, proofs ?? []),
    rto: rto(facts, proofs),
    storage: storage(facts),
  };
}

function rpo(
  facts: StrategyFacts,
  recovery: Recovery | null,
  proofs: readonly ReportedProof[],
): Objectives['rpo'] {
  const targetSeconds = secondsOf(facts.wanted?.rpo);
  const now = unprotectedNow(facts, recovery);
  const worst = worstLoss(facts, recovery, proofs);
  return { targetSeconds, now, worst, met: meets(targetSeconds, [now, worst]) };
}

/** What the receiver of this host knows; else how old the newest point is that can be restored to. */
function unprotectedNow({ receiver, now }: StrategyFacts, recovery: Recovery | null): Measured {
  const status = valueOf(receiver);
  if (status?.state === 'streaming' && Math.abs(now - status.updated) < STALE) {
    const { unprotectedSince: since } = status;
    if (since === undefined)
      return { seconds: 0, basis: 'the receiver: all that the server has written is safe' };
    return {
      seconds: age(now, since),
      basis: 'the receiver: the age of the oldest change that is not safe yet',
    };
  }
  if (recovery === null) return { seconds: null, basis: 'the repository cannot be read' };
  const newest = recoverablePoints(recovery).at(-1);
  if (newest === undefined) return { seconds: null, basis: 'there is nothing to restore' };
  return {
    seconds: age(now, newest.until),
    basis:
      'the age of the newest point that can be restored to; no receiver on this host says that nothing was written since',
  };
}

/** ms since 1970 UTC; any moment from `from` to `until` can be restored to. */
interface Reach {
  readonly from: number;
  readonly until: number;
}

/** By their beginnings; those that touch are one. */
export function recoverablePoints({ windows, backups }: Recovery): Reach[] {
  const good = backups.filter(({ state }) => state === 'good');
  const all = [
    ...windows.map(({ from, until }) => ({ from: Date.parse(from.time), until: Date.parse(until.time) })),
    ...good.map((backup) => ({ from: Date.parse(endOf(backup)), until: Date.parse(endOf(backup)) })),
  ].sort((a, b) => a.from - b.from);
  const joined: Reach[] = [];
  for (const reach of all) {
    const last = joined.at(-1);
    if (last !== undefined && reach.from <= last.until)
      joined[joined.length - 1] = { from: last.from, until: Math.max(last.until, reach.until) };
    else joined.push(reach);
  }
  return joined;
}

/**
 * The most that would have been lost: what drills found missing, and the longest time between two points that can be restored
 * to. Behind the first window only, where there is one: what lies before it was left without log by retention.
 */
function worstLoss(
  { now, period }: StrategyFacts,
  recovery: Recovery | null,
  proofs: readonly ReportedProof[],
): Measured {
  const begin = now - period;
  const losses = proofs
    .filter(({ time }) => Date.parse(time) >= begin)
    .flatMap(({ lostSeconds, time }) =>
      lostSeconds === null
        ? []
        : [{ seconds: lostSeconds, basis: `measured by the drill of ${formatTime(time)}` }],
    );
  const gaps = recovery === null ? [] : gapsOf(recovery, begin);
  const worst = [...losses, ...gaps].sort((a, b) => b.seconds - a.seconds)[0];
  return (
    worst ?? {
      seconds: null,
      basis: 'no drill has measured it, and no gap between recoverable points is known',
    }
  );
}

function gapsOf(recovery: Recovery, begin: number): { seconds: number; basis: string }[] {
  const firstWindow = Math.min(...recovery.windows.map(({ from }) => Date.parse(from.time)));
  const from = Number.isFinite(firstWindow) ? Math.max(begin, firstWindow) : begin;
  const points = recoverablePoints(recovery).filter(({ until }) => until >= from);
  return points.slice(1).map((next, index) => {
    const end = points[index]?.until ?? next.from;
    return {
      seconds: age(next.from, end),
      basis: `nothing between ${formatTime(iso(end))} and ${formatTime(iso(next.from))} can be restored to`,
    };
  });
}

function rto(
  { wanted, now, period }: StrategyFacts,
  proofs: readonly ReportedProof[] | null,
): Objectives['rto'] {
  const targetSeconds = secondsOf(wanted?.rto);
  const drills = (proofs ?? []).filter(({ isDrill }) => isDrill);
  const [newest] = drills;
  if (newest === undefined) {
    const none = {
      seconds: null,
      basis: proofs === null ? 'the records of drills cannot be read' : restoreTests(proofs),
    };
    return { targetSeconds, last: none, worst: none, met: null };
  }
  const recent = drills.filter(({ time }) => Date.parse(time) >= now - period);
  const slowest = (recent.length === 0 ? [newest] : recent).reduce((a, b) =>
    (b.recoverySeconds ?? Infinity) > (a.recoverySeconds ?? Infinity) ? b : a,
  );
  const [last, worst] = [newest, slowest].map(ofDrill) as [Measured, Measured];
  return {
    targetSeconds,
    last,
    worst,
    met: newest.recoverySeconds === null ? false : meets(targetSeconds, [last]),
  };
}

function ofDrill({ recoverySeconds, time, name }: ReportedProof): Measured {
  const basis = `${name} of ${formatTime(time)}`;
  return recoverySeconds === null
    ? { seconds: null, basis: `${basis}: no copy came up` }
    : { seconds: recoverySeconds, basis };
}

/** A restore test on the backup's own host says something too, but is no drill. */
function restoreTests([newest]: readonly ReportedProof[]): string {
  if (newest === undefined) return 'no drill was ever made';
  return `no drill was ever made; the ${newest.name} of ${formatTime(newest.time)} took ${Math.round(newest.seconds)} s with all its checks`;
}

function storage({ wanted, capacity }: StrategyFacts): Objectives['storage'] {
  const target = wanted?.storage ?? null;
  const found = valueOf(capacity);
  if (found === undefined || found.total === 0)
    return { target, used: null, totalBytes: null, freeBytes: null, met: null };
  const used = 1 - found.free / found.total;
  return {
    target,
    used,
    totalBytes: found.total,
    freeBytes: found.free,
    met: target === null ? null : used <= target,
  };
}

/** Null where nothing is wanted or the first value is not known; a later one that is not known is left out. */
function meets(target: number | null, [first, ...others]: readonly Measured[]): boolean | null {
  if (target === null || first === undefined || first.seconds === null) return null;
  return [first, ...others].every(({ seconds }) => seconds === null || seconds <= target);
}

function secondsOf(milliseconds: number | undefined): number | null {
  return milliseconds === undefined ? null : milliseconds / 1000;
}

/** Seconds; clocks that are a little apart make nothing younger than now. */
function age(now: number, then: number): number {
  return Math.max(0, (now - then) / 1000);
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
