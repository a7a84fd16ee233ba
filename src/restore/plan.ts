import type { CommitRecord } from '../repository/commit-record.ts';
import { manifestName } from '../repository/layout.ts';
import { readManifest, type Manifest } from '../repository/manifest/manifest-reader.ts';
import type { FileEntry } from '../repository/manifest/records.ts';
import type { ObjectStore, StoreLocation } from '../storage/object-store.ts';
import { assertTree } from './entry-tree.ts';
import { frameWork, type FrameWork } from './pieces.ts';
import { LEFT_OUT } from './recovery-settings.ts';
import type { RecoveryPlan } from './recovery/recovery-plan.ts';
import { assertSeparate } from './separate-paths.ts';
import { assertPacksStored } from './stored-packs.ts';
import { assertRoom, inspectTarget, type TargetDirectory } from './target-directory.ts';
import { placeTablespaces, type TablespaceTarget } from './target-paths.ts';

/** Written by itself, last: without it no server starts on the directory. */
export const CONTROL_FILE = 'global/pg_control';

export interface RestoreRequest {
  readonly store: ObjectStore;
  /** The same store, for the worker threads. */
  readonly location: StoreLocation;
  readonly backup: CommitRecord;
  /** Absolute path. */
  readonly directory: string;
  /** Absolute paths by tablespace OID, for those that go elsewhere than they were. */
  readonly tablespaces: ReadonlyMap<number, string>;
  /** Who the files shall belong to; `undefined` for whoever restores. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** `keep` leaves archiving and replication settings as the source had them. */
  readonly sourceSettings: 'cleared' | 'keep';
  /** How the backup is rolled forward; `undefined` for its own end. */
  readonly recovery: RecoveryPlan | undefined;
  /** Threads that decompress and write. */
  readonly workers: number;
}

/** What a restore will do; nothing was written yet. */
export interface RestorePlan {
  readonly request: RestoreRequest;
  readonly manifest: Manifest;
  readonly target: TargetDirectory;
  readonly tablespaces: readonly (TablespaceTarget & { readonly target: TargetDirectory | undefined })[];
  /** Everything but the control file. */
  readonly work: readonly FrameWork[];
  readonly files: readonly FileEntry[];
  /** Bytes to write. */
  readonly bytes: number;
  /** Bytes to read from the repository. */
  readonly storedBytes: number;
}

/**
 * Plans a restore: reads the manifest, looks at the targets, counts. It writes nothing.
 * @throws LarderError RESTORE_REFUSED, USAGE, OBJECT_MISSING, OBJECT_DAMAGED
 */
export async function planRestore(request: RestoreRequest): Promise<RestorePlan> {
  const { backup, store } = request;
  const manifest = await readManifest(store, backup.id);
  assertTree(manifest, manifestName(backup.id));
  const target = await inspectTarget(request.directory, '--to-dir');
  const tablespaces = await planTablespaces(request, target);
  const leftOut = new Set([...LEFT_OUT, ...(backup.leftOut ?? [])]);
  const files = manifest.files.filter(({ path }) => !leftOut.has(path));
  const work = frameWork(manifest, ({ path }) => !leftOut.has(path) && path !== CONTROL_FILE);
  const plan: RestorePlan = {
    request,
    manifest,
    target,
    tablespaces,
    work,
    files,
    bytes: files.reduce((sum, file) => sum + file.size, 0),
    storedBytes: work.reduce((sum, { frame }) => sum + frame.storedLength, 0),
  };
  assertSeparate(plan);
  await assertPacksStored(store, work);
  await assertRoom(spaceNeeded(plan));
  return plan;
}

async function planTablespaces(
  request: RestoreRequest,
  target: TargetDirectory,
): Promise<RestorePlan['tablespaces']> {
  const placed = placeTablespaces(request.backup.tablespaces, request.tablespaces, target.path);
  const planned: (TablespaceTarget & { readonly target: TargetDirectory | undefined })[] = [];
  for (const tablespace of placed) {
    if (!tablespace.linked) planned.push({ ...tablespace, target: undefined });
    else {
      const directory = await inspectTarget(tablespace.directory, `--tablespace ${tablespace.oid}=DIR`);
      planned.push({ ...tablespace, directory: directory.path, target: directory });
    }
  }
  return planned;
}

function spaceNeeded(plan: RestorePlan): { path: string; bytes: number }[] {
  const needs = new Map([[plan.target.path, 0]]);
  const directories = new Map(
    plan.tablespaces
      .filter(({ linked }) => linked)
      .map(({ oid, directory }) => [`pg_tblspc/${oid}`, directory]),
  );
  for (const { path, size } of plan.files) {
    const directory = directories.get(path.split('/', 2).join('/')) ?? plan.target.path;
    needs.set(directory, (needs.get(directory) ?? 0) + size);
  }
  return [...needs].map(([path, bytes]) => ({ path, bytes }));
}
