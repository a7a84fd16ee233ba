import type { Clock } from './clock.ts';
import type { Config } from './config/config.ts';
import type { ProofRecords } from './report/record-proof.ts';

/** Where the records of the cluster's restore tests and drills go. `actor`: as the audit trail names it. */
export function proofRecords(
  { report, stateDirectory }: Pick<Config, 'report' | 'stateDirectory'>,
  cluster: string,
  { actor, clock }: { readonly actor: string; readonly clock: Clock },
): ProofRecords {
  const { results, directory } = report;
  return { cluster, results, directory, stateDirectory, actor, clock };
}
