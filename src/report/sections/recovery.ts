import { formatDuration, formatTime } from '../../format.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { chainOf } from '../../repository/backup-chain.ts';
import type { Catalogue } from '../../repository/catalogue.ts';
import type { CommitRecord } from '../../repository/commit-record.ts';
import type { ProofStates } from '../../repository/proof-state.ts';
import type { RecoveryPoint, RollForward } from '../../restore/recovery/roll-forward.ts';
import type { ArchiveHole } from '../../verify/archive-holes.ts';
import type { ArchiveState } from '../../verify/archive-state.ts';
import { valueOf } from '../facts/known.ts';
import type { StrategyFacts } from '../facts/strategy-facts.ts';
import type { ReportedBackup, ReportedProof, StrategyReport } from '../strategy-report.ts';

export type Recovery = NonNullable<StrategyReport['recovery']>;

/** What is recoverable; null where the backups cannot be listed. `proofs`: newest first. */
export function recoverySection(
  facts: StrategyFacts,
  proofs: readonly ReportedProof[] | null,
): Recovery | null {
  const catalogue = valueOf(facts.catalogue);
  if (catalogue === undefined) return null;
  const log = valueOf(facts.log);
  const backups = describeBackups(catalogue, log, proofs ?? []);
  const archives = log?.archives ?? [];
  const windows = archives
    .flatMap((archive) => archive.windows)
    .map(({ timeline, from, until, backup }) => ({
      timeline,
      from: pointOf(from),
      until: pointOf(until),
      backup,
    }))
    .sort((a, b) => (a.from.time < b.from.time ? -1 : 1));
  return {
    sentence: sentence(backups, windows, facts),
    windows,
    holes: archives.flatMap(({ holes }) => holes).map(describeHole),
    problems: (log?.problems ?? []).map(({ message }) => message),
    backups,
    unreadable: catalogue.unreadable.map(({ id, problem }) => ({ id, problem: problem.message })),
  };
}

function describeBackups(
  { backups, proofs: states }: Catalogue,
  log: ArchiveState | undefined,
  proofs: readonly ReportedProof[],
): ReportedBackup[] {
  const byId = new Map(backups.map((backup) => [backup.id, backup]));
  const reaches = new Map(log?.backups.map((reach) => [reach.backup, reach]));
  return backups.map((record) => {
    const proof = proofOf(record.id, proofs, states);
    const { id, type, startTime, endTime, sourceBytes, storedBytes } = record;
    const seconds = Math.max(0, (Date.parse(endTime) - Date.parse(startTime)) / 1000);
    const state = stateOf(record, byId, states);
    const until = log === undefined ? null : reachOf(record, reaches.get(id));
    return { id, type, started: startTime, seconds, sourceBytes, storedBytes, state, proof, until };
  });
}

/**
 * Of the newest proof, also by a drill that chose it; of one whose report cannot be read the name tells. A drill that failed says
 * nothing of it: what failed may be the log, or a newer backup that was passed over.
 */
function proofOf(id: string, proofs: readonly ReportedProof[], states: ProofStates): ReportedBackup['proof'] {
  const isOfIt = ({ backup, isDrill, verdict }: ReportedProof): boolean =>
    backup === id && !(isDrill && verdict === 'failed');
  const newest = proofs.find(isOfIt)?.verdict;
  if (newest === 'verified_with_exceptions') return 'proven_with_exceptions';
  if (newest !== undefined) return newest === 'verified' ? 'proven' : 'failed';
  const state = states.get(id);
  if (state === undefined) return 'none';
  return state === 'verified' ? 'proven' : 'failed';
}

function stateOf(
  record: CommitRecord,
  byId: ReadonlyMap<string, CommitRecord>,
  states: ProofStates,
): ReportedBackup['state'] {
  if (record.state !== 'complete') return 'damaged_source';
  const chain = chainOf(record, byId);
  if (chain === undefined) return 'chain_broken';
  // what builds on one that did not stand its test counts as little
  return chain.some(({ id }) => states.get(id) === 'quarantined') ? 'quarantined' : 'good';
}

/** A cluster without any archived log brings its backups to their own ends. */
function reachOf(record: CommitRecord, reach: RollForward | undefined): ReportedBackup['until'] {
  if (reach === undefined) return { time: record.endTime, lsn: record.stopLsn };
  return reach.state === 'unknown' ? null : pointOf(reach.until);
}

function pointOf({ time, lsn }: RecoveryPoint): { time: string; lsn: string } {
  return { time, lsn: formatLsn(lsn) };
}

function describeHole(hole: ArchiveHole): Recovery['holes'][number] {
  const { start, end, segment, lastSegment, recorded, needed } = hole;
  return {
    from: formatLsn(start),
    to: formatLsn(end),
    segments: segment === lastSegment ? segment : `${segment} to ${lastSegment}`,
    recorded: recorded?.recorded ?? null,
    reason: recorded?.detail ?? null,
    needed,
  };
}

function sentence(
  backups: readonly ReportedBackup[],
  windows: Recovery['windows'],
  { now, log }: StrategyFacts,
): string {
  const good = backups.filter(({ state }) => state === 'good');
  const newest = good.at(-1);
  if (newest === undefined) return 'Nothing can be restored: there is no good backup.';
  if ('unknown' in log)
    return `${good.length} good backups can be restored, the newest of ${formatTime(newest.started)}; how far each can be rolled forward is not known.`;
  const last = windows.toSorted((a, b) => (a.until.time < b.until.time ? -1 : 1)).at(-1);
  if (last === undefined)
    return `${good.length} good backups can be restored, each to its own end and to nothing else; the newest ended at ${formatTime(endOf(newest))}.`;
  const age = formatDuration(Math.max(0, (now - Date.parse(last.until.time)) / 1000));
  return `Any second between ${formatTime(last.from.time)} and ${formatTime(last.until.time)} (${age} ago) can be restored to.`;
}

/** ISO 8601. */
export function endOf({ started, seconds }: Pick<ReportedBackup, 'started' | 'seconds'>): string {
  return new Date(Date.parse(started) + seconds * 1000).toISOString();
}
