import { join } from 'node:path';
import type { InstanceHome } from '../../postgres/server/instance-home.ts';
import type { CommitRecord } from '../../repository/commit-record.ts';
import { planRestore, type RestorePlan } from '../../restore/plan.ts';
import type { RecoveryPlan } from '../../restore/recovery/recovery-plan.ts';
import { restoreBackup } from '../../restore/restore-backup.ts';
import type { ObjectStore, StoreLocation } from '../../storage/object-store.ts';
import type { ProofContext } from './proof-context.ts';

interface ScratchRestore {
  readonly store: ObjectStore;
  readonly location: StoreLocation;
  readonly backup: CommitRecord;
  readonly workers: number;
  /** How it is rolled forward; without it, to its own end. */
  readonly recovery?: RecoveryPlan | undefined;
  /** Whether an earlier copy lies there, which is brought over. */
  readonly over?: boolean;
}

/**
 * Restores by the way that every restore takes, tablespaces beside the data directory.
 * @throws LarderError as `planRestore` and `restoreBackup`
 */
export async function restoreIntoScratch(
  { store, location, backup, workers, recovery, over = false }: ScratchRestore,
  home: InstanceHome,
  { clock, signal, onProgress }: ProofContext,
): Promise<RestorePlan> {
  const plan = await planRestore({
    store,
    location,
    backup,
    workers,
    directory: home.dataDirectory,
    tablespaces: scratchTablespaces(backup, home),
    owner: home.user,
    sourceSettings: 'cleared',
    recovery,
    delta: over,
    // it is ours alone, and what its server wrote shows in the files
    trust: { evenAfterServer: true, clock },
  });
  await restoreBackup(plan, {
    clock,
    signal,
    onProgress: ({ phase, ...done }) => onProgress({ phase: WORDS[phase], ...done }),
  });
  return plan;
}

const WORDS = {
  preparing: 'preparing the copy',
  comparing: 'comparing the last copy',
  writing: 'restoring the copy',
  syncing: 'writing the copy to disk',
} as const;

/** Where each tablespace goes: their own places belong to the server that was backed up. */
function scratchTablespaces({ tablespaces }: CommitRecord, home: InstanceHome): Map<number, string> {
  const linked = tablespaces.filter(({ location }) => location.startsWith('/'));
  return new Map(linked.map(({ oid }) => [oid, join(home.directory, 'tablespaces', String(oid))]));
}
