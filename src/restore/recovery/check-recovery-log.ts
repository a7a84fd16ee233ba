import { LarderError } from '../../errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { checkStoredWal } from '../../repository/wal/check-stored-wal.ts';
import { nameHole } from '../../repository/wal/missing-wal.ts';
import { readWalIndex, type WalIndex } from '../../repository/wal/wal-index.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { reachOnPath } from './reach.ts';
import { StoredLog } from './read-log.ts';
import type { RecoveryPlan } from './recovery-plan.ts';

interface CheckContext {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void;
}

/**
 * Reads every stored byte of the log that a recovery will replay. A damaged segment would end the recovery in its middle;
 * this says so before anything is restored, and names it.
 * @throws LarderError OBJECT_DAMAGED, OBJECT_MISSING, the store's errors, the signal's reason
 */
export async function checkRecoveryLog(
  store: ObjectStore,
  { archive, path, from, until }: RecoveryPlan,
  { signal, onProgress }: CheckContext,
): Promise<void> {
  const index = await readWalIndex(store, archive);
  assertStillStored(index, { path, from, until });
  const segments = new StoredLog(store, { archive, index, path }).segments(from, until);
  const totalBytes = segments.reduce((sum, { end }) => sum + end, 0);
  await checkStoredWal(store, segments, {
    archive,
    signal,
    onProgress: (doneBytes) => onProgress({ doneBytes, totalBytes }),
    onDamage: (damage) => {
      throw new LarderError(damage.code, damage.message, {
        hint: 'Bring the object back from a copy, or restore to a point before it: --target-time, --target-lsn or --immediate.',
        cause: damage,
      });
    },
  });
}

/** What was there when the recovery was planned is still there. */
function assertStillStored(
  index: WalIndex,
  { path, from, until }: Pick<RecoveryPlan, 'path' | 'from' | 'until'>,
): void {
  const { until: reached } = reachOnPath(index, path, from);
  if (reached >= until) return;
  const { segment } = nameHole(index, path, { start: reached, end: until });
  throw new LarderError(
    'WAL_GAP',
    `WAL has gone from ${formatLsn(reached)} on, beginning with segment ${segment}`,
    {
      hint: '"larder wal status" tells what is left; ask for the restore again.',
    },
  );
}
