import { parseProofRecordName } from '../../repository/layout.ts';
import { proofStates } from '../../repository/proof-state.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { readProofs } from '../../verify/proof/proof-record.ts';
import type { ProofFact, StoredProofFacts } from './strategy-facts.ts';

/** Restore tests as the repository has them. Throws what keeps the store from answering. */
export async function readProofFacts(store: ObjectStore): Promise<StoredProofFacts> {
  const names: string[] = [];
  for await (const { name } of store.list('')) if (parseProofRecordName(name) !== undefined) names.push(name);
  const states = proofStates(names);
  const proofs: ProofFact[] = [];
  const unreadable: { name: string; problem: string }[] = [];
  for (const backup of states.keys()) {
    for (const { name, report, problem } of await readProofs(store, backup)) {
      if (report === undefined) unreadable.push({ name, problem: problem?.message ?? 'no details' });
      else proofs.push({ cluster: undefined, report });
    }
  }
  const quarantined = new Set([...states].flatMap(([id, state]) => (state === 'quarantined' ? [id] : [])));
  return { proofs, unreadable, quarantined };
}
