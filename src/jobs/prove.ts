import { LarderError } from '../errors.ts';
import { readCommitRecord } from '../repository/catalogue.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import type { ProofReport } from '../verify/proof-report.ts';
import type { Finding } from '../verify/report.ts';
import type { ProofContext } from '../verify/proof/proof-context.ts';
import { proveBackup, type ProofRequest } from '../verify/proof/prove-backup.ts';
import { writeProof } from '../verify/proof/proof-record.ts';
import type { JobOutcome } from './job.ts';

/** How backups are proven, beside which. */
export type ProofSettings = Pick<
  ProofRequest,
  'scratch' | 'keep' | 'userChecks' | 'concurrency' | 'binaries' | 'larderVersion'
>;

/** Told of every proof once its record is stored; answers with what could not be written down. */
export type ProofListener = (report: ProofReport) => Promise<readonly string[]>;

/**
 * Proves a backup, and stores how it came out beside it. Rejects as `proveBackup` and `writeProof`, and with BACKUP_UNKNOWN where
 * the backup was removed meanwhile.
 */
export async function proveAndRecord(
  request: ProofRequest,
  context: ProofContext,
  onProof: ProofListener | undefined,
): Promise<{ readonly report: ProofReport; readonly warnings: readonly string[] }> {
  const report = await proveBackup(request, context);
  // what retention removed meanwhile was not damaged: BACKUP_UNKNOWN says so
  if (report.verdict === 'failed') await readCommitRecord(request.store, request.backup.id);
  await writeProof(request.store, report);
  return { report, warnings: (await onProof?.(report)) ?? [] };
}

/** What a proof means for the run that made it. */
export function proofOutcome(
  backup: CommitRecord,
  report: ProofReport,
  warnings: readonly string[],
): JobOutcome {
  const outcome = { backupId: backup.id, sourceBytes: backup.sourceBytes, warnings };
  const problem = proofProblem(report);
  if (problem !== undefined) return { ...outcome, problem };
  const excepted = report.checks.filter(({ result }) => result === 'excepted');
  if (excepted.length === 0) return outcome;
  const remark = `verified with exceptions: ${excepted.map(({ name, detail }) => `${name}: ${detail}`).join('; ')}`;
  return { ...outcome, remark: remark.slice(0, LONGEST_REMARK) };
}

const LONGEST_REMARK = 1000;

/** The error for a proof in which something failed; names the first finding. `undefined` where nothing did. */
export function proofProblem({ backup, verdict, checks }: ProofReport): LarderError | undefined {
  const failed = checks.filter(({ result }) => result === 'failed');
  const findings = failed.flatMap((check) => check.findings.map((finding) => ({ check, finding })));
  const [first] = findings;
  // a verdict counts also where nobody said why
  if (failed.length === 0 && verdict !== 'failed') return undefined;
  const count = findings.length === 1 ? '1 finding' : `${findings.length} findings`;
  const words =
    first === undefined
      ? failed.map(({ name, detail }) => `${name}: ${detail}`).join('; ')
      : `${count}, first: ${first.check.name}: ${findingWords(first.finding)}`;
  if (verdict !== 'failed') {
    return new LarderError('VERIFICATION_FAILED', `${backup} is sound, but not the log behind it: ${words}`, {
      hint: 'Take a new full backup now (larder backup --full): points of time behind it can be restored again.',
    });
  }
  return new LarderError('VERIFICATION_FAILED', `${backup} is quarantined: ${words}`, {
    hint: 'Take a new full backup now (larder backup --full) and keep this one until that is verified; then look at the storage, and at the server it came from.',
  });
}

function findingWords({ message, object, file }: Finding): string {
  const where = [object, file].find((name) => name !== undefined && !message.includes(name));
  return where === undefined ? message : `${where}: ${message}`;
}
