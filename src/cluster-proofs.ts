import type { ClusterConfig } from './config/config.ts';
import type { ProofSettings } from './jobs/prove.ts';
import { scratchPlaces } from './verify/proof/scratch-places.ts';

/** How the cluster's backups are proven. `larderVersion` goes into the records. */
export function proofSettings(
  { name, verify }: Pick<ClusterConfig, 'name' | 'verify'>,
  stateDirectory: string,
  larderVersion: string,
): ProofSettings {
  return {
    keep: verify.keepScratch ? name : undefined,
    scratch: scratchPlaces(verify.scratchDirectory, stateDirectory),
    userChecks: verify.checks,
    concurrency: verify.sessions,
    binaries: verify.binaries,
    larderVersion,
  };
}
