import { mkdir } from 'node:fs/promises';
import { withAuditLock } from '../audit/audit-lock.ts';
import { AuditTrail } from '../audit/audit-trail.ts';
import type { Clock } from '../clock.ts';
import { toLarderError } from '../errors.ts';
import type { DrillReport, ProofReport } from '../verify/proof-report.ts';
import { isDrill } from './proof-words.ts';
import { evidenceStore, writeEvidence, type Evidence } from './records/evidence.ts';
import { proofEntry } from './records/proof-entry.ts';
import { replaceText } from './records/replace-text.ts';
import { withEntry } from './records/results-file.ts';

/** Where records of proofs go, and in whose name. */
export interface ProofRecords {
  readonly cluster: string;
  /** The Markdown file that people read, absolute; undefined: none is kept. */
  readonly results: string | undefined;
  /** Where the JSON files lie, absolute. */
  readonly directory: string;
  /** The state directory: its audit trail gets a record with the SHA-256 of each JSON file. */
  readonly stateDirectory: string;
  /** As the audit trail names them: `schedule`, `user:<account>`, `token:<name>`. */
  readonly actor: string;
  readonly clock: Clock;
}

/** Entries of the results file are kept for a year, milliseconds. The JSON files stay. */
const KEPT = 366 * 86_400_000;

/**
 * Writes down how a restore test or a drill went: a JSON file, the audit record that vouches for it, an entry for people.
 * It never rejects: a proof is no worse because it could not be noted.
 * @returns a warning for each of them that could not be written, to be shown where the proof's result is
 */
export async function recordProof(
  report: ProofReport | DrillReport,
  records: ProofRecords,
): Promise<readonly string[]> {
  const evidence = { recorded: records.clock.now(), cluster: records.cluster, report };
  const warnings: string[] = [];
  for (const [what, write] of [
    ['the record of this proof was not kept as evidence', writeAndVouch],
    [`${records.results ?? ''} was not written`, addEntry],
  ] as const) {
    try {
      await write(evidence, records);
    } catch (error) {
      warnings.push(`${what}: ${toLarderError(error).message}`);
    }
  }
  return warnings;
}

/** The file first: a trail that vouches for what was never written would look like tampering. */
async function writeAndVouch(evidence: Evidence, records: ProofRecords): Promise<void> {
  const { directory, stateDirectory, clock, actor, cluster } = records;
  const { name, sha256 } = await writeEvidence(evidenceStore(directory), evidence);
  const { report } = evidence;
  await new AuditTrail(stateDirectory, clock).add({
    actor,
    action: 'report',
    subject: name,
    details: {
      cluster,
      kind: isDrill(report) ? 'drill' : 'proof',
      backup: report.backup,
      result: report.verdict,
      directory,
      sha256,
    },
  });
}

/** Under the trail's lock, so that the service and a command do not take each other's entries away. */
async function addEntry({ recorded, report }: Evidence, records: ProofRecords): Promise<void> {
  const { results, stateDirectory, clock, cluster } = records;
  if (results === undefined) return;
  const entry = { time: recorded, text: proofEntry(report, cluster) };
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  await withAuditLock(stateDirectory, clock, () =>
    replaceText(results, (text) => withEntry(text, entry, recorded - KEPT)),
  );
}
