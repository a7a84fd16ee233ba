import { LarderError } from '../errors.ts';
import { chainOf } from '../repository/backup-chain.ts';
import type { UnreadableBackup } from '../repository/catalogue.ts';
import { parseBackupId } from '../repository/layout.ts';
import type { BackupFacts } from './backup-facts.ts';
import type { ProofMark } from './proof-marks.ts';
import type { RecordFacts } from './record-facts.ts';

/** What a repository was found to hold of backups. */
export interface ListedBackups {
  readonly records: readonly RecordFacts[];
  readonly unreadable: readonly UnreadableBackup[];
  /** How the last restore of a backup came out, by its id. */
  readonly proofs: ReadonlyMap<string, ProofMark>;
}

/**
 * What that says of each backup. A commit record that is damaged counts as a damaged backup; one that merely could not be
 * read now makes the whole unknown: throws the error that was met.
 */
export function catalogueFacts(listed: ListedBackups): BackupFacts[] {
  const byId = new Map(listed.records.map((record) => [record.id, record]));
  return [
    ...listed.records.map((record) => factsOf(record, { byId, listed })),
    ...listed.unreadable.flatMap(factsOfUnreadable),
  ];
}

function factsOf(
  record: RecordFacts,
  { byId, listed }: { readonly byId: ReadonlyMap<string, RecordFacts>; readonly listed: ListedBackups },
): BackupFacts {
  const { id, type, ended, sourceBytes, storedBytes, pageChecksumErrors } = record;
  const { systemIdentifier, timeline, stop: lsn } = record;
  const chain = chainOf(record, byId);
  const proof = listed.proofs.get(id);
  return {
    ...{ id, type, ended, sourceBytes, storedBytes, pageChecksumErrors },
    state: stateOf(record, chain, proof),
    chainLength: chain === undefined ? 0 : chain.length - 1,
    verified: proof?.result === 'verified' ? proof.modified : undefined,
    end: { systemIdentifier, timeline, lsn },
  };
}

/** Without the backups it builds on, it is no better than one that cannot be read. */
function stateOf(
  { state }: RecordFacts,
  chain: readonly RecordFacts[] | undefined,
  proof: ProofMark | undefined,
): BackupFacts['state'] {
  if (chain === undefined) return 'damaged';
  if (state !== 'complete') return state;
  return proof?.result === 'quarantined' ? 'quarantined' : 'good';
}

function factsOfUnreadable({ id, problem }: UnreadableBackup): BackupFacts[] {
  const { type, started } = parseBackupId(id) ?? {};
  // removed between the listing and the reading
  if (problem.code === 'BACKUP_UNKNOWN' || type === undefined || started === undefined) return [];
  if (problem.code !== 'OBJECT_DAMAGED') throw unknown(id, problem);
  const sizes = { sourceBytes: 0, storedBytes: 0, pageChecksumErrors: 0, chainLength: 0 };
  // its end is not known; its start is in its name
  return [{ id, type, state: 'damaged', ended: started, ...sizes, verified: undefined, end: undefined }];
}

function unknown(id: string, problem: LarderError): LarderError {
  return new LarderError(problem.code, `the commit record of ${id} cannot be read now: ${problem.message}`, {
    ...(problem.hint === undefined ? {} : { hint: problem.hint }),
    cause: problem,
  });
}
