import { ARCHIVE_PREFIX } from '../../repository/wal/wal-layout.ts';
import type { Check } from '../proof-report.ts';
import type { Finding } from '../report.ts';
import { verifyObjects, type VerifyProgress, type VerifyRequest } from '../verify-objects.ts';
import { checkOf } from './answer.ts';
import { recordFindings } from './checks/record-check.ts';
import type { ProofContext } from './proof-context.ts';
import { LOG_CHECK } from './verdict.ts';

/**
 * Everything that is stored of the backup is there and as it was stored, and its commit record says what the server said. What
 * is wrong with the log behind it is a check of its own.
 * @throws LarderError what keeps the store from answering
 */
export async function checkStored(request: VerifyRequest, context: ProofContext): Promise<Check[]> {
  const { store, backup } = request;
  const { clock, onProgress } = context;
  const began = clock.monotonic();
  const report = await verifyObjects(request, {
    ...context,
    onProgress: ({ part, ...done }: VerifyProgress) =>
      onProgress({ phase: part === 'backup' ? 'verifying' : 'reading the log', ...done }),
  });
  const own = report.findings.filter((finding) => !isOfLog(finding));
  const record = await recordFindings(store, backup);
  const seconds = (clock.monotonic() - began) / 1000;
  const { log } = report;
  const objects = {
    detail:
      request.restored === true
        ? `${report.checkedObjects} objects, and those of the backups that it builds on, by their SHA-256`
        : `${report.checkedObjects} objects, ${report.checkedFrames} frames, ${report.checkedFiles} files as the server's manifest lists them`,
    findings: [...own, ...record],
    exceptions: [],
  };
  const behind = {
    detail:
      log === null
        ? 'no log is stored behind it'
        : `whole from ${log.from} to ${log.until} on timeline ${log.timeline}, ${log.segments} segments`,
    findings: report.findings.filter(isOfLog),
    exceptions: [],
  };
  return [checkOf('stored_objects', objects, seconds), checkOf(LOG_CHECK, behind, 0)];
}

function isOfLog({ object }: Finding): boolean {
  return object?.startsWith(ARCHIVE_PREFIX) === true;
}
