import { formatDuration, formatTime } from '../../format.ts';
import type { StrategyFacts } from '../facts/strategy-facts.ts';
import { valueOf } from '../facts/known.ts';
import type { StrategyReport } from '../strategy-report.ts';
import { endOf } from './recovery.ts';

type Verdict = StrategyReport['verdict'];
type Reason = Verdict['reasons'][number];
type Judged = Omit<StrategyReport, 'verdict'>;

/** What a reader is told first. What is not known is never fine; what is broken weighs more than what is not known. */
export function verdictOf(report: Judged, facts: StrategyFacts): Verdict {
  const reasons = [
    ...recoveryReasons(report),
    ...objectiveReasons(report),
    ...proofReasons(report),
    ...unprovenReasons(report, facts.now),
    ...runReasons(report),
    ...receiverReasons(facts),
    ...retentionReasons(report),
    ...report.unknown.map(({ what, why }): Reason => ({
      status: 'unknown',
      text: `${what}: not known, ${why}`,
    })),
  ].sort((a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status));
  const status = reasons[0]?.status ?? 'ok';
  return { status, sentence: SENTENCES[status], reasons };
}

const ORDER: readonly Verdict['status'][] = ['failing', 'unknown', 'attention', 'ok'];

const SENTENCES: Readonly<Record<Verdict['status'], string>> = {
  ok: 'Everything that was looked at is as it should be.',
  attention: 'What is wanted holds, but something needs attention.',
  unknown: 'Not everything could be looked at: nobody can say that what is wanted holds.',
  failing: 'What is wanted does not hold.',
};

function failing(text: string): Reason {
  return { status: 'failing', text };
}

function attention(text: string): Reason {
  return { status: 'attention', text };
}

function recoveryReasons({ recovery }: Judged): Reason[] {
  if (recovery === null) return [];
  const { backups, problems, unreadable } = recovery;
  const newest = backups.findLast(({ state }) => state === 'good');
  return [
    ...(newest === undefined ? [failing('there is no good backup')] : []),
    ...problems.map(attention),
    ...unreadable.map(({ id, problem }) => attention(`${id} cannot be read: ${problem}`)),
    ...backups.flatMap(({ id, state }) => (state === 'good' ? [] : [attention(`${id}: ${STATES[state]}`)])),
  ];
}

const STATES = {
  damaged_source: 'the server found damaged pages in its own data while it was taken',
  chain_broken: 'a backup that it builds on is missing',
  quarantined: 'it is in quarantine, since its restore test failed, or that of a backup that it builds on',
} as const;

function objectiveReasons({ objectives: { rpo, rto, storage } }: Judged): Reason[] {
  const reasons: Reason[] = [];
  if (rpo.met === false)
    reasons.push(
      failing(
        `the RPO of ${durationOf(rpo.targetSeconds)} is broken: ${broken(rpo.now, rpo.worst, rpo.targetSeconds)}`,
      ),
    );
  if (rpo.met === null && rpo.targetSeconds !== null)
    reasons.push({ status: 'unknown', text: `RPO: ${rpo.now.basis}` });
  if (rto.met === false)
    reasons.push(failing(`the RTO of ${durationOf(rto.targetSeconds)} is broken: ${measuredText(rto.last)}`));
  if (rto.met === null && rto.targetSeconds !== null) reasons.push(attention(`RTO: ${rto.last.basis}`));
  if (storage.met === false)
    reasons.push(
      attention(
        `the repository's file system is ${percent(storage.used)} full, wanted are ${percent(storage.target)}`,
      ),
    );
  return reasons;
}

type Measured = StrategyReport['objectives']['rpo']['now'];

function broken(now: Measured, worst: Measured, target: number | null): string {
  return measuredText(now.seconds !== null && now.seconds > (target ?? 0) ? now : worst);
}

function measuredText({ seconds, basis }: Measured): string {
  return `${seconds === null ? '' : `${formatDuration(seconds)}, `}${basis}`;
}

function durationOf(seconds: number | null): string {
  return seconds === null ? 'unknown length' : formatDuration(seconds);
}

function percent(part: number | null): string {
  return part === null ? 'unknown' : `${Math.round(part * 100)} %`;
}

function proofReasons({ proofs, recovery }: Judged): Reason[] {
  if (proofs === null) return [];
  const [newest] = proofs;
  if (newest === undefined)
    return recovery === null || recovery.backups.length === 0
      ? []
      : [attention('no backup was ever proven by a restore')];
  const others = proofs.find(({ isDrill }) => isDrill !== newest.isDrill);
  return [newest, ...(others === undefined ? [] : [others])].flatMap(
    ({ name, time, verdict, met, shortcomings: [first] }) => {
      if (verdict === 'failed')
        return [
          failing(`the ${name} of ${time.slice(0, 10)} failed${first === undefined ? '' : `: ${first}`}`),
        ];
      if (met === false) return [failing(`the ${name} of ${time.slice(0, 10)} did not meet its objectives`)];
      return verdict === 'verified_with_exceptions'
        ? [
            attention(
              `the ${name} of ${time.slice(0, 10)} could not look at everything: ${first ?? 'no details'}`,
            ),
          ]
        : [];
    },
  );
}

/** Backups get this long to be proven, milliseconds: verification waits for everything else. */
const PROVEN_WITHIN = 24 * 3600 * 1000;

/** What was proven once says nothing of what was taken since. */
function unprovenReasons({ recovery }: Judged, now: number): Reason[] {
  const good = (recovery?.backups ?? []).filter(({ state }) => state === 'good');
  const last = good.findLastIndex(({ proof }) => proof === 'proven' || proof === 'proven_with_exceptions');
  // that nothing was ever proven is told apart
  if (last === -1) return [];
  const overdue = good.slice(last + 1).filter((backup) => now - Date.parse(endOf(backup)) > PROVEN_WITHIN);
  const [first] = overdue;
  if (first === undefined) return [];
  const count = overdue.length === 1 ? 'one backup' : `${overdue.length} backups`;
  return [attention(`${count} since ${formatTime(first.started)} were not proven by a restore`)];
}

/** A task whose newest run failed. */
function runReasons({ runs }: Judged): Reason[] {
  return (runs?.tasks ?? []).flatMap(({ task, lastResult }) => {
    if (lastResult !== 'failure' && lastResult !== 'timeout') return [];
    const newest = runs?.failures.find((failure) => failure.task === task);
    return [attention(`the newest run of ${task} failed: ${newest?.message ?? lastResult}`)];
  });
}

function receiverReasons({ receiver, wanted }: StrategyFacts): Reason[] {
  if (wanted?.receives !== true || 'unknown' in receiver) return [];
  const status = valueOf(receiver);
  if (status === undefined)
    return [attention('no receiver runs on this host: what the server writes now may be unprotected')];
  return status.problem === undefined ? [] : [attention(`the receiver: ${status.problem}`)];
}

/** A week without a full backup may be what the schedule wants; a window that is shorter than promised is not. */
function retentionReasons({ retention }: Judged): Reason[] {
  return (retention?.classes ?? []).flatMap(({ name, wanted, kept, fulfilled, remark }) =>
    fulfilled === false && name === 'transaction log'
      ? [attention(`retention wants ${wanted}; kept: ${kept}${remark === null ? '' : `, ${remark}`}`)]
      : [],
  );
}
