import { toLarderError } from '../errors.ts';
import { isDrill } from '../report/proof-words.ts';
import { evidenceNames, readEvidenceFile, type StoredEvidence } from '../report/records/evidence.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { DrillReport } from '../verify/proof-report.ts';

/** A drill as metrics show it. */
export interface DrillSeen {
  /** When it was written down, milliseconds since 1970 UTC. */
  readonly recorded: number;
  readonly report: Pick<DrillReport, 'recoverySeconds' | 'lostSeconds' | 'met'>;
}

/**
 * The newest drill of a cluster that was written down; undefined: there is none. What cannot be read is passed over here:
 * `larder audit verify` names it. Throws what keeps the store from answering.
 */
export async function newestDrill(evidence: ObjectStore, cluster: string): Promise<DrillSeen | undefined> {
  // from the newest on: most of the files are of daily proofs, and all are kept
  for (const name of (await evidenceNames(evidence)).reverse()) {
    const { cluster: other, recorded, report } = (await readOrPassOver(evidence, name)) ?? {};
    if (other !== cluster || recorded === undefined || report === undefined) continue;
    if (isDrill(report)) return { recorded, report };
  }
  return undefined;
}

async function readOrPassOver(evidence: ObjectStore, name: string): Promise<StoredEvidence | undefined> {
  try {
    return await readEvidenceFile(evidence, name);
  } catch (error) {
    if (toLarderError(error).code === 'REPOSITORY_UNREACHABLE') throw error;
    return undefined;
  }
}
