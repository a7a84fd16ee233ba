import { isDrill } from '../report/proof-words.ts';
import { readEvidence } from '../report/records/evidence.ts';
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
  const { files } = await readEvidence(evidence);
  const ofCluster = files.filter((file) => file.cluster === cluster);
  const drills = ofCluster.flatMap(({ recorded, report }) => (isDrill(report) ? [{ recorded, report }] : []));
  return drills.at(-1);
}
