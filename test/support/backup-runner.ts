import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeBackup } from '../../src/backup/take-backup.ts';
import type { BackupContext, BackupRequest } from '../../src/backup/backup-run.ts';
import { systemClock } from '../../src/clock.ts';
import { LarderError } from '../../src/errors.ts';
import { parseConnection } from '../../src/postgres/parse-connection.ts';
import { findEmbeddedBinaries } from '../../src/postgres/server/find-binaries.ts';
import { prepareInstanceHome, removeInstanceHome } from '../../src/postgres/server/instance-home.ts';
import type { InstanceHome } from '../../src/postgres/server/instance-home.ts';
import { openInstanceSession } from '../../src/postgres/server/instance-session.ts';
import { chooseInstanceUser } from '../../src/postgres/server/instance-user.ts';
import { startInstance } from '../../src/postgres/server/instance.ts';
import { reachableBinaries } from '../../src/postgres/server/reachable-binaries.ts';
import type { CommitRecord } from '../../src/repository/commit-record.ts';
import { readProcessIdentity } from '../../src/process-identity.ts';
import { planRestore } from '../../src/restore/plan.ts';
import type { RestorePlan, RestoreRequest } from '../../src/restore/plan.ts';
import { restoreBackup } from '../../src/restore/restore-backup.ts';
import type { RestoreContext, RestoreResult } from '../../src/restore/restore-backup.ts';
import type { FilesystemLocation, ObjectStore } from '../../src/storage/object-store.ts';
import { openStore } from '../../src/storage/open-store.ts';
import type { VerifyReport } from '../../src/verify/report.ts';
import { verifyObjects } from '../../src/verify/verify-objects.ts';

const WORKERS = 2;

/** A directory for one test file, which the account of test servers may pass through. */
export interface Scratch {
  path: string;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function makeScratch(): Promise<Scratch> {
  const path = await mkdtemp(join(tmpdir(), 'larder-scratch-'));
  await chmod(path, 0o711);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export interface TestRepository {
  store: ObjectStore;
  location: FilesystemLocation;
}

/** The repository in a directory; the first backup makes it. */
export function repositoryAt(directory: string): TestRepository {
  const location: FilesystemLocation = { kind: 'filesystem', directory };
  return { location, store: openStore(location) };
}

export type BackupChanges = Partial<
  Pick<BackupRequest, 'leaseWait' | 'cluster' | 'type' | 'parent' | 'maxChain' | 'changesFrom'> &
    BackupContext
>;

/** A backup of the server behind a URL, as the library takes it: a full one unless told otherwise. */
export function backUp(
  repository: TestRepository,
  connection: string,
  changes: BackupChanges = {},
): Promise<CommitRecord> {
  const request: BackupRequest = {
    ...repository,
    cluster: changes.cluster ?? 'truck',
    connection: parseConnection(connection, {}),
    compressionLevel: 1,
    workers: WORKERS,
    leaseWait: changes.leaseWait ?? 0,
    larderVersion: 'test',
    type: changes.type ?? 'full',
    parent: changes.parent,
    maxChain: changes.maxChain ?? 14,
    changesFrom: changes.changesFrom ?? 'server',
  };
  return takeBackup(request, {
    clock: systemClock,
    processIdentity: readProcessIdentity(),
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...changes,
  });
}

export type RestoreChanges = Partial<
  Pick<RestoreRequest, 'tablespaces' | 'owner' | 'sourceSettings' | 'recovery' | 'delta' | 'trust' | 'port'>
>;

/** The plan of a restore; files belong to the account of test servers unless told otherwise. */
export async function planInto(
  { store, location }: TestRepository,
  backup: CommitRecord,
  directory: string,
  changes: RestoreChanges = {},
): Promise<RestorePlan> {
  return planRestore({
    store,
    location,
    backup,
    directory,
    tablespaces: new Map<number, string>(),
    owner: await chooseInstanceUser(),
    sourceSettings: 'cleared',
    recovery: undefined,
    delta: false,
    workers: WORKERS,
    ...changes,
  });
}

export function carryOut(plan: RestorePlan, changes: Partial<RestoreContext> = {}): Promise<RestoreResult> {
  return restoreBackup(plan, {
    clock: systemClock,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...changes,
  });
}

/** Plan and restore in one. */
export async function restoreInto(
  repository: TestRepository,
  backup: CommitRecord,
  directory: string,
  changes: RestoreChanges = {},
): Promise<RestoreResult> {
  return carryOut(await planInto(repository, backup, directory, changes));
}

/** What a verification of the stored bytes says. */
export function verify({ store, location }: TestRepository, backup: CommitRecord): Promise<VerifyReport> {
  const signal = new AbortController().signal;
  return verifyObjects(
    { store, location, backup, workers: WORKERS },
    { clock: systemClock, signal, onProgress: () => undefined },
  );
}

/** A home whose data directory does not exist yet: what a copy is restored into. Remove it with `removeInstanceHome`. */
export async function makeCopyHome(): Promise<InstanceHome> {
  const directory = await mkdtemp(join(tmpdir(), 'larder-copy-'));
  return prepareInstanceHome(directory, await chooseInstanceUser());
}

/** A restored copy that runs. */
export interface Copy {
  connection: string;
  home: InstanceHome;
  query(text: string, database?: string): Promise<Record<string, unknown>[]>;
  /** Stops it and removes its home. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts what lies in the home, with the settings it was restored with: a copy as an operator starts it. */
export async function startCopy(
  home: InstanceHome,
  major: number,
  settings: Record<string, string> = {},
): Promise<Copy> {
  const installed = await findEmbeddedBinaries(major);
  if (installed === undefined) throw new Error(`PostgreSQL ${major} is not installed`);
  const binaries = await reachableBinaries(installed, home);
  const instance = await startInstance({ binaries, home, settings, clock: systemClock });
  return {
    connection: instance.connection,
    home,
    query: async (text, database) => {
      await using session = await openInstanceSession(instance.connection, database);
      return await session.query(text);
    },
    [Symbol.asyncDispose]: async () => {
      await instance.stop('immediate');
      await removeInstanceHome(home);
    },
  };
}

/** Restores a backup and starts it. */
export async function restoreAndStart(
  repository: TestRepository,
  backup: CommitRecord,
  changes: RestoreChanges = {},
): Promise<Copy> {
  const home = await makeCopyHome();
  try {
    await restoreInto(repository, backup, home.dataDirectory, changes);
    return await startCopy(home, Math.floor(backup.serverVersionNumber / 10_000));
  } catch (error) {
    await removeInstanceHome(home);
    // the hint holds the end of the server's log, which jest would not show
    const log = error instanceof LarderError ? (error.hint ?? '') : '';
    throw new Error(`the copy did not come up: ${String(error)}\n${log}`, { cause: error });
  }
}

/** The error something must end with. */
export async function failureOf(pending: Promise<unknown>): Promise<LarderError> {
  try {
    await pending;
  } catch (error) {
    if (error instanceof LarderError) return error;
    throw error;
  }
  throw new Error('it succeeded');
}

/** Names of all objects of a repository but its lease. */
export async function objectsOf({ store }: TestRepository): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.list('')) if (!name.startsWith('lease/')) names.push(name);
  return names.sort();
}
