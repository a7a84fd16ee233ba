import type { Clock } from '../clock.ts';
import { LarderError } from '../errors.ts';
import { findBackup } from '../repository/catalogue.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import { readArchiveRecord } from '../repository/wal/archive-record.ts';
import { readPosition } from '../repository/wal/received-position.ts';
import type { ObjectStore, StoreLocation } from '../storage/object-store.ts';
import { findServerFor, noServer } from '../verify/proof/find-server.ts';
import type { VerifyReport } from '../verify/report.ts';
import { verifyObjects } from '../verify/verify-objects.ts';
import type { Job, JobContext, JobOutcome } from './job.ts';
import { proofOutcome, proveAndRecord, type ProofListener, type ProofSettings } from './prove.ts';

export interface VerifyJobParts {
  readonly store: ObjectStore;
  /** The same store, for worker threads. */
  readonly location: StoreLocation;
  readonly workers: number;
  /** The backup; the newest one without it. */
  readonly backupId: string | undefined;
  /** A receiver runs, or is about to: what it writes first is waited for. */
  readonly receives: boolean;
  readonly level: 'objects' | 'restore' | 'full';
  readonly proof: ProofSettings;
  readonly onProof?: ProofListener;
  readonly clock: Clock;
}

/** Milliseconds that a receiver gets for its first words about how far it is. */
const POSITION_LIMIT = 60_000;
const LOOK_INTERVAL = 250;

/**
 * Verifies a backup: by a real restore, whose record is stored beside it; or by its stored bytes alone, where that was asked
 * for or this host has no server of its version. What it finds ends the run with VERIFICATION_FAILED; rejects as
 * `findBackup`, `verifyObjects`, `proveBackup` and `writeProof`.
 */
export function verifyJob(parts: VerifyJobParts): Job {
  const { store, backupId, receives, clock } = parts;
  return {
    task: 'verify',
    run: async (context) => {
      const { signal } = context;
      const backup = await findBackup(store, backupId ?? 'latest');
      if (receives) await positionWritten(store, backup.systemIdentifier, { clock, signal });
      const { level, proof } = parts;
      if (level === 'objects') return verifyStored(parts, backup, context);
      if ((await findServerFor(backup, proof.binaries)) === undefined)
        return { remark: noServer(backup).message, ...(await verifyStored(parts, backup, context)) };
      const { report, warnings } = await proveAndRecord(
        { ...parts, ...proof, backup, level },
        { clock, signal, onProgress: context.progress },
        parts.onProof,
      );
      return proofOutcome(backup, report, warnings);
    },
  };
}

/** The stored bytes alone: no record says that a backup is proven by that. */
async function verifyStored(
  { store, location, workers, clock }: VerifyJobParts,
  backup: CommitRecord,
  { signal, progress }: JobContext,
): Promise<JobOutcome> {
  const report = await verifyObjects(
    { store, location, workers, backup },
    {
      clock,
      signal,
      onProgress: ({ part, ...done }) =>
        progress({ phase: part === 'backup' ? 'verifying' : 'reading the log', ...done }),
    },
  );
  const outcome = { backupId: backup.id, sourceBytes: report.bytes, warnings: [] };
  return report.findings.length === 0 ? outcome : { ...outcome, problem: verificationFailed(report) };
}

/**
 * Waits for the position of an archive that was only just begun: in its first second nobody could tell a lost end from the
 * end. One that does not come is the verification's to find.
 */
async function positionWritten(
  store: ObjectStore,
  systemIdentifier: string,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const deadline = clock.monotonic() + POSITION_LIMIT;
  while (clock.monotonic() < deadline && (await isAwaited(store, systemIdentifier))) {
    await clock.sleep(LOOK_INTERVAL, signal);
  }
}

/** What cannot be read is not waited for: the verification says so better. */
async function isAwaited(store: ObjectStore, systemIdentifier: string): Promise<boolean> {
  try {
    const archive = await readArchiveRecord(store, systemIdentifier);
    return archive !== undefined && (await readPosition(store, systemIdentifier)) === undefined;
  } catch {
    return false;
  }
}

/** The error for a backup that is not sound; names the first finding. */
export function verificationFailed({ backup, findings }: VerifyReport): LarderError {
  const [first] = findings;
  const count = findings.length === 1 ? '1 finding' : `${findings.length} findings`;
  return new LarderError(
    'VERIFICATION_FAILED',
    `${backup} is not sound: ${count}${first === undefined ? '' : `, first: ${first.message}`}`,
    {
      hint: 'Take a new full backup now (larder backup --full) and keep this one until that is verified; then look at the storage.',
    },
  );
}
