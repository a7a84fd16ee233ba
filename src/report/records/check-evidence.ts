import type { AuditRecord } from '../../audit/audit-record.ts';
import { LarderError } from '../../errors.ts';
import { evidenceHash, evidenceNames, evidenceStore } from './evidence.ts';

/** What became of the files that the audit trail knows of. */
export interface EvidenceCheck {
  /** How many are as they were written. */
  readonly unchanged: number;
  /** Files that were changed or are gone. */
  readonly findings: readonly { readonly file: string; readonly what: string }[];
  /** Files that no record names: a crash came between both, or somebody put them there. */
  readonly unrecorded: readonly string[];
}

/**
 * Compares every file that the trail has a record of with the hash in that record.
 * @param directory where files lie now; where one is not there, the place it was written to counts
 * @throws LarderError what keeps a file from being read: that is no verdict
 */
export async function checkEvidence(
  records: readonly AuditRecord[],
  directory: string,
): Promise<EvidenceCheck> {
  const known = records.filter(({ action }) => action === 'report');
  const findings: { file: string; what: string }[] = [];
  for (const { subject, details } of known) {
    const hash = await hashOf(subject, [directory, String(details['directory'] ?? directory)]);
    if (hash === undefined) findings.push({ file: subject, what: 'is gone' });
    else if (hash !== details['sha256']) findings.push({ file: subject, what: 'is not as it was written' });
  }
  const names = new Set(known.map(({ subject }) => subject));
  const unrecorded = (await evidenceNames(evidenceStore(directory))).filter((name) => !names.has(name));
  return { unchanged: known.length - findings.length, findings, unrecorded };
}

/** In the first of the directories that has the file; undefined: none has. */
async function hashOf(name: string, directories: readonly string[]): Promise<string | undefined> {
  for (const directory of new Set(directories)) {
    try {
      return await evidenceHash(evidenceStore(directory), name);
    } catch (error) {
      if (!(error instanceof LarderError) || error.code !== 'OBJECT_MISSING') throw error;
    }
  }
  return undefined;
}
