import type { ServerIdentity } from '../postgres/replication/server-identity.ts';
import { formatLsn, parseLsn } from '../postgres/lsn.ts';
import { majorOf } from '../postgres/version.ts';
import type { ChangesFrom } from './changes-from.ts';
import { chainOf } from '../repository/backup-chain.ts';
import type { Catalogue } from '../repository/catalogue.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import type { ProofStates } from '../repository/proof-state.ts';
import { blockHashesName } from '../repository/layout.ts';

/** What the choice of a parent depends on beside the catalogue. */
export interface ParentQuestion {
  readonly cluster: string;
  readonly identity: Pick<
    ServerIdentity,
    'systemIdentifier' | 'timeline' | 'position' | 'serverVersionNumber' | 'dataChecksums'
  >;
  readonly changesFrom: ChangesFrom;
  /** Incremental backups that may build on one full backup. */
  readonly maxChain: number;
  /** The id of the backup that must be the parent; undefined for the newest that can be. */
  readonly wanted: string | undefined;
}

export type ParentChoice =
  /** The backups of the chain, the full one first, the parent last. */
  | { readonly kind: 'incremental'; readonly chain: readonly CommitRecord[] }
  | { readonly kind: 'full'; readonly because: string };

/**
 * The backup that the next incremental one builds on: the newest of which the whole chain is there and which the server
 * can continue. Where there is none, the newest backup tells why the next one has to be full.
 */
export function chooseParent(catalogue: Catalogue, question: ParentQuestion): ParentChoice {
  const byId = new Map(catalogue.backups.map((backup) => [backup.id, backup]));
  const candidates = catalogue.backups.filter(
    ({ id }) => question.wanted === undefined || id === question.wanted,
  );
  let because: string | undefined;
  for (const candidate of candidates.toReversed()) {
    const problem = parentProblem(candidate, { byId, proofs: catalogue.proofs }, question);
    if (problem === undefined) return { kind: 'incremental', chain: chainOf(candidate, byId) ?? [] };
    because ??= problem.text;
    // an older member of a chain that has grown long enough would only make a second branch of it
    if (problem.final) break;
  }
  return { kind: 'full', because: because ?? noBackup(catalogue, question) };
}

interface Problem {
  readonly text: string;
  /** It holds for every older backup too. */
  readonly final: boolean;
}

interface Known {
  readonly byId: ReadonlyMap<string, CommitRecord>;
  readonly proofs: ProofStates;
}

function parentProblem(
  backup: CommitRecord,
  { byId, proofs }: Known,
  question: ParentQuestion,
): Problem | undefined {
  const { id } = backup;
  const other =
    historyProblem(backup, question) ?? contentProblem(backup, question) ?? hashesProblem(backup, question);
  if (other !== undefined) return other;
  const chain = chainOf(backup, byId);
  if (chain === undefined)
    return { text: `a backup that ${id} builds on is missing or cannot be read`, final: false };
  const failed = chain.find((member) => proofs.get(member.id) === 'quarantined');
  if (failed !== undefined)
    return { text: `${failed.id} is quarantined: its verification failed`, final: false };
  if (chain.length <= question.maxChain) return undefined;
  const text = `${chain[0]?.id ?? id} has ${chain.length - 1} incremental backups, the most allowed`;
  return { text, final: true };
}

/** Whether the server's log leads on from the backup's. */
function historyProblem(backup: CommitRecord, { cluster, identity }: ParentQuestion): Problem | undefined {
  const { id, timeline, stopLsn } = backup;
  if (backup.systemIdentifier !== identity.systemIdentifier || backup.cluster !== cluster)
    return { text: `${id} is of another cluster`, final: false };
  if (majorOf(backup.serverVersionNumber) !== majorOf(identity.serverVersionNumber))
    return { text: `${id} is of another major version`, final: true };
  if (timeline !== identity.timeline) {
    const text = `${id} lies on timeline ${timeline}, and the server is on ${identity.timeline}`;
    return { text, final: true };
  }
  // a snapshot of its disks, or a copy that took its place: since then the log has other content at the same positions
  if (identity.position >= (parseLsn(stopLsn) ?? 0n)) return undefined;
  const text = `the server's log ends at ${formatLsn(identity.position)}, before the end of ${id}: it was set back`;
  return { text, final: false };
}

/** Whether what changed since the backup can be told from the log. */
function contentProblem(backup: CommitRecord, { identity }: ParentQuestion): Problem | undefined {
  const { id, dataChecksums, state } = backup;
  if (dataChecksums === undefined)
    return { text: `${id} was taken by a release without incremental backups`, final: true };
  if (dataChecksums !== identity.dataChecksums)
    return { text: `data checksums were switched since ${id}, which rewrites every page`, final: true };
  return state === 'complete' ? undefined : { text: `the server found damaged pages in ${id}`, final: false };
}

/** Backups by the server's account of changes are not hashed. */
function hashesProblem({ id, objects }: CommitRecord, { changesFrom }: ParentQuestion): Problem | undefined {
  if (changesFrom === 'server' || objects.some(({ name }) => name === blockHashesName(id))) return undefined;
  const text = `${id} has no hashes to compare with, and the server no longer tells what changed (summarize_wal = on, and a role that may read WAL summaries)`;
  return { text, final: false };
}

function noBackup({ unreadable }: Catalogue, { wanted }: ParentQuestion): string {
  if (wanted !== undefined) return `there is no backup ${wanted}`;
  return unreadable.length === 0 ? 'there is no earlier backup' : 'no earlier backup can be read';
}
