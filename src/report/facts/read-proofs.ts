import { listBackupObjects } from '../../repository/backup-objects.ts';
import { parseProofRecordName } from '../../repository/layout.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { readProofs } from '../../verify/proof/proof-record.ts';
import type { ProofFact, ProofFacts } from './strategy-facts.ts';

/** Restore tests as the repository has them. Throws what keeps the store from answering. */
export async function readProofFacts(store: ObjectStore): Promise<ProofFacts> {
  const proven = new Set<string>();
  for await (const { name } of listBackupObjects(store)) {
    const backup = parseProofRecordName(name)?.backup;
    if (backup !== undefined) proven.add(backup);
  }
  const proofs: ProofFact[] = [];
  const unreadable: { name: string; problem: string }[] = [];
  for (const backup of proven) {
    for (const { name, report, problem } of await readProofs(store, backup)) {
      if (report === undefined) unreadable.push({ name, problem: problem?.message ?? 'no details' });
      else proofs.push({ cluster: undefined, report });
    }
  }
  return { proofs, unreadable };
}
