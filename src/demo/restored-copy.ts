import type { Clock } from '../clock.ts';
import { LarderError } from '../errors.ts';
import { findServerBinaries } from '../postgres/server/find-binaries.ts';
import { prepareInstanceHome, type InstanceHome } from '../postgres/server/instance-home.ts';
import { chooseInstanceUser } from '../postgres/server/instance-user.ts';
import type { Instance } from '../postgres/server/instance.ts';
import { reachableBinaries } from '../postgres/server/reachable-binaries.ts';
import { startTemporaryInstance } from '../postgres/server/temporary-instance.ts';
import { majorOf } from '../postgres/version.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import { planRestore } from '../restore/plan.ts';
import { restoreBackup, type RestoreProgress, type RestoreResult } from '../restore/restore-backup.ts';
import type { ObjectStore, StoreLocation } from '../storage/object-store.ts';

export interface CopyOptions {
  readonly store: ObjectStore;
  readonly location: StoreLocation;
  readonly backup: CommitRecord;
  /** The home of the copy, made here; the data lie in `data` below it. */
  readonly directory: string;
  readonly workers: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: RestoreProgress) => void;
}

/** A backup restored beside its source, for a server of its own. */
export interface RestoredCopy {
  readonly home: InstanceHome;
  readonly result: RestoreResult;
}

/** Restores the backup into a directory of its own. Throws as `planRestore` and `restoreBackup`. */
export async function restoreCopy(options: CopyOptions): Promise<RestoredCopy> {
  const { backup, clock, signal, onProgress } = options;
  const home = await prepareInstanceHome(options.directory, await chooseInstanceUser());
  const plan = await planRestore({
    ...options,
    backup,
    directory: home.dataDirectory,
    tablespaces: new Map(),
    owner: home.user,
    sourceSettings: 'cleared',
    recovery: undefined,
    delta: false,
  });
  return { home, result: await restoreBackup(plan, { clock, signal, onProgress }) };
}

/** Starts the restored copy, quiet and apart from its source. Throws INSTANCE_FAILED. */
export async function startCopy(
  { home }: RestoredCopy,
  { backup, clock, signal }: Pick<CopyOptions, 'backup' | 'clock' | 'signal'>,
): Promise<Instance> {
  const major = majorOf(backup.serverVersionNumber);
  const found = await findServerBinaries(major);
  if (found === undefined) throw new LarderError('INSTANCE_FAILED', `there is no PostgreSQL ${major} here`);
  const binaries = await reachableBinaries(found, home);
  // it is looked at and thrown away: a crash may take it
  return startTemporaryInstance({ binaries, home, settings: { fsync: 'off' }, clock, signal });
}
