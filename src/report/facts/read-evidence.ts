import { evidenceStore, readEvidence } from '../records/evidence.ts';
import type { ProofFacts } from './strategy-facts.ts';

/** Restore tests and drills as the evidence directory has them. Throws what keeps it from being read. */
export async function readEvidenceFacts(directory: string): Promise<ProofFacts> {
  const { files, unreadable } = await readEvidence(evidenceStore(directory));
  return { proofs: files.map(({ cluster, report }) => ({ cluster, report })), unreadable };
}
