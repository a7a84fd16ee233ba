import type { ObjectStore } from '../storage/object-store.ts';
import { backupPrefix, parseProofRecordName, type ProofRecordName, type ProofResult } from './layout.ts';

/** What the last proof of each backup came to; a backup that was never proven is not in it. */
export type ProofStates = ReadonlyMap<string, ProofResult>;

/**
 * The state of each backup by the names of its records alone: one that cannot be read still says how the proof came out. The
 * newest proof counts, so a later one that succeeds lifts a quarantine; of two that were made at once, the worse one counts.
 */
export function proofStates(names: Iterable<string>): ProofStates {
  const newest = new Map<string, ProofRecordName>();
  for (const name of names) {
    const record = parseProofRecordName(name);
    if (record !== undefined && outweighs(record, newest.get(record.backup)))
      newest.set(record.backup, record);
  }
  return new Map([...newest].map(([backup, { result }]) => [backup, result]));
}

/** Whether a record counts instead of the one that counted so far. */
export function outweighs(record: ProofRecordName, known: ProofRecordName | undefined): boolean {
  if (known === undefined || record.number !== known.number) return record.number > (known?.number ?? 0);
  return record.result === 'quarantined';
}

/** The records of a backup's proofs, oldest first. */
export async function listProofs(store: ObjectStore, backup: string): Promise<ProofRecordName[]> {
  const records: ProofRecordName[] = [];
  for await (const { name } of store.list(backupPrefix(backup))) {
    const record = parseProofRecordName(name);
    if (record !== undefined) records.push(record);
  }
  return records.sort((a, b) => a.number - b.number || (a.result === 'verified' ? -1 : 1));
}
