import type { CommitRecord } from '../repository/commit-record.ts';
import { manifestName } from '../repository/layout.ts';
import { readManifest, type Manifest } from '../repository/manifest/manifest-reader.ts';
import type { FileEntry } from '../repository/manifest/records.ts';
import type { ObjectStore, StoreLocation } from '../storage/object-store.ts';
import { majorOf } from '../postgres/version.ts';
import { CONTROL_FILE } from './control-file.ts';
import { comparableBytes } from './delta/compare-copy.ts';
import type { Lineage } from './delta/copy-identity.ts';
import {
  believe,
  NOTHING_BELIEVED,
  readEarlierRestore,
  type Belief,
  type EarlierRestore,
  type RecordTrust,
} from './delta/earlier-restore.ts';
import { inspectCopy, inspectCopySpace } from './delta/inspect-copy.ts';
import type { Survey } from './delta/survey.ts';
import { surveyTargets } from './delta/survey-plan.ts';
import { assertTree } from './entry-tree.ts';
import { frameWork, type FrameWork } from './pieces.ts';
import { LEFT_OUT } from './recovery-settings.ts';
import type { RecoveryPlan } from './recovery/recovery-plan.ts';
import { assertSeparate } from './separate-paths.ts';
import { assertPacksStored } from './stored-packs.ts';
import { assertRoom, inspectTarget, type TargetDirectory } from './target-directory.ts';
import { assertMayMakeTablespaces } from './tablespaces/own-log.ts';
import { placeTablespaces, type TablespaceTarget } from './target-paths.ts';

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
  /** The port that a server on the copy listens on; undefined for its source's. */
  readonly port?: number | undefined;
  /** How the backup is rolled forward; `undefined` for its own end. */
  readonly recovery: RecoveryPlan | undefined;
  /** Keeps of a copy that is there what is as it should be; the target may then hold one. */
  readonly delta: boolean;
  /** Whether files of a copy that nothing touched since it was restored are kept unread; `undefined`: everything is read. */
  readonly trust?: RecordTrust | undefined;
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
  /** What was found of an earlier copy; undefined where there is none, or none was asked for. */
  readonly copy: CopyFound | undefined;
  /** The restore that the copy comes from. */
  readonly earlier: EarlierRestore | undefined;
}

export interface CopyFound {
  /** Of the backup's files, those that are there in some version. */
  readonly files: number;
  /** Bytes of them that are read, to compare them. */
  readonly bytes: number;
  /** Bytes of them that are known without that; `null` where everything is to be read. */
  readonly believed: BelievedBytes | null;
  /** Files, links and the like that do not belong. */
  readonly removedFiles: number;
}

export interface BelievedBytes {
  readonly files: number;
  readonly bytes: number;
  /** The backup that they were restored from. */
  readonly backup: string | null;
  /** Why there are none. */
  readonly why: string | null;
}

/**
 * Plans a restore: reads the manifest, looks at the targets, counts. It writes nothing.
 * @throws LarderError RESTORE_REFUSED, USAGE, OBJECT_MISSING, OBJECT_DAMAGED
 */
export async function planRestore(request: RestoreRequest): Promise<RestorePlan> {
  const { backup, store } = request;
  const manifest = await readManifest(store, backup.id);
  assertTree(manifest, manifestName(backup.id));
  const lineage = { systemIdentifier: backup.systemIdentifier, major: majorOf(backup.serverVersionNumber) };
  const target = request.delta
    ? await inspectCopy(request.directory, lineage)
    : await inspectTarget(request.directory, '--to-dir');
  const tablespaces = await planTablespaces(request, target, lineage);
  const own = tablespaces.map(({ directory }) => directory);
  await assertMayMakeTablespaces(backup, { own, keepOut: 'occupied' });
  const leftOut = new Set([...LEFT_OUT, ...(backup.leftOut ?? [])]);
  const files = manifest.files.filter(({ path }) => !leftOut.has(path));
  const work = frameWork(manifest, ({ path }) => !leftOut.has(path) && path !== CONTROL_FILE);
  const targets = { request, manifest, target, tablespaces, files };
  assertSeparate(targets);
  const survey = await surveyTargets(targets);
  const earlier = survey === undefined ? undefined : await earlierRestore(targets);
  const copy = survey === undefined ? undefined : await copyFound({ ...targets, earlier }, survey);
  const plan: RestorePlan = {
    ...targets,
    earlier,
    work,
    bytes: files.reduce((sum, file) => sum + file.size, 0),
    storedBytes: work.reduce((sum, { frame }) => sum + frame.storedLength, 0),
    copy,
  };
  await assertPacksStored(store, work);
  await assertRoom(spaceNeeded(plan, survey));
  return plan;
}

async function planTablespaces(
  request: RestoreRequest,
  target: TargetDirectory,
  lineage: Lineage,
): Promise<RestorePlan['tablespaces']> {
  const placed = placeTablespaces(request.backup.tablespaces, request.tablespaces, target.path);
  const planned: (TablespaceTarget & { readonly target: TargetDirectory | undefined })[] = [];
  for (const tablespace of placed) {
    if (!tablespace.linked) planned.push({ ...tablespace, target: undefined });
    else {
      const { oid } = tablespace;
      const named = request.tablespaces.has(oid);
      const space = { oid, directory: tablespace.directory, named, dataDirectory: target.path };
      const directory = request.delta
        ? await inspectCopySpace(space, lineage)
        : await inspectTarget(tablespace.directory, `--tablespace ${oid}=DIR`);
      planned.push({ ...tablespace, directory: directory.path, target: directory });
    }
  }
  return planned;
}

async function earlierRestore({
  request,
  target,
  manifest,
}: Pick<RestorePlan, 'request' | 'target' | 'manifest'>): Promise<EarlierRestore> {
  if (request.trust === undefined) return { why: 'everything is to be read' };
  return readEarlierRestore({ ...request, target, manifest });
}

/**
 * What of a copy is known without reading it.
 * @param kept what was found of the backup's files
 */
export async function believeCopy(
  { request, target, manifest, earlier }: Pick<RestorePlan, 'request' | 'target' | 'manifest' | 'earlier'>,
  { kept }: Survey,
): Promise<Belief> {
  if (request.trust === undefined || earlier === undefined) return NOTHING_BELIEVED;
  return believe(earlier, request.trust, { kept, directory: target.path, manifest });
}

async function copyFound(
  plan: Pick<RestorePlan, 'request' | 'target' | 'manifest' | 'earlier'>,
  survey: Survey,
): Promise<CopyFound> {
  const { kept, removals } = survey;
  const belief = await believeCopy(plan, survey);
  let [bytes, believed] = [0, 0];
  for (const [index, file] of kept) {
    if (belief.files.has(index)) believed += file.stats.size;
    else bytes += comparableBytes(plan.manifest, index, file);
  }
  return {
    files: kept.size,
    bytes,
    believed:
      plan.request.trust === undefined
        ? null
        : {
            files: belief.files.size,
            bytes: believed,
            backup: belief.backup ?? null,
            why: belief.why ?? null,
          },
    removedFiles: removals.filter(({ kind }) => kind === 'file').length,
  };
}

/** What a copy takes already is not needed again. */
function spaceNeeded(plan: RestorePlan, survey: Survey | undefined): { path: string; bytes: number }[] {
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
  return [...needs].map(([path, bytes]) => ({
    path,
    bytes: Math.max(0, bytes - (survey?.occupied.get(path) ?? 0)),
  }));
}
