import { parseProofRecordName, proofRecordName, type ProofRecordName } from '../repository/layout.ts';
import { outweighs } from '../repository/proof-state.ts';
import type { ObjectInfo, ObjectStore } from '../storage/object-store.ts';
import { readProofs } from '../verify/proof/proof-record.ts';

/** The record of how a restore of a backup came out, as it was listed. */
export interface ProofMark extends ProofRecordName {
  /** When the store says it was written, milliseconds since 1970 UTC. */
  readonly modified: number;
}

/** What the name of an object says of a proof; undefined for any other object. */
export function proofMark({ name, modified }: ObjectInfo): ProofMark | undefined {
  const record = parseProofRecordName(name);
  return record === undefined ? undefined : { ...record, modified };
}

/** The one that counts, by backup. */
export function newestMarks(marks: readonly ProofMark[]): ReadonlyMap<string, ProofMark> {
  const newest = new Map<string, ProofMark>();
  for (const mark of marks) {
    if (outweighs(mark, newest.get(mark.backup))) newest.set(mark.backup, mark);
  }
  return newest;
}

/** The parts of a proof that a restore in earnest has too; its checks come on top. */
const RECOVERY_PHASES = ['restore', 'start and replay'];

/**
 * How long the backup took to be restored, started and rolled forward when it was proven, seconds; undefined where the record
 * does not say, or cannot be read. Throws what keeps the store from answering.
 */
export async function readRestoreSeconds(store: ObjectStore, mark: ProofMark): Promise<number | undefined> {
  const proofs = await readProofs(store, mark.backup);
  const proof = proofs.find(({ name }) => name === proofRecordName(mark));
  const phases = proof?.report?.phases.filter(({ name }) => RECOVERY_PHASES.includes(name)) ?? [];
  return phases.length === 0 ? undefined : phases.reduce((sum, { seconds }) => sum + seconds, 0);
}
