import { chmod, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../clock.ts';
import { LarderError, toLarderError } from '../errors.ts';
import { BACKUP_LABEL, completeBackupLabel } from './backup-label.ts';
import { CONTROL_FILE } from './control-file.ts';
import { differingParts, remainingWork } from './delta/differing-units.ts';
import {
  comparedWithContent,
  contentsOf,
  earlierOf,
  readyCopy,
  type EarlierCopy,
  type SurveyedCopy,
} from './delta/earlier-copy.ts';
import { leaveRecord, observeFiles, type RestoredFiles } from './delta/leave-record.ts';
import { surveyTargets } from './delta/survey-plan.ts';
import { disableCopy } from './delta/take-over.ts';
import { clearTarget } from './target-directory.ts';
import { markUnfinished, UNFINISHED_MARKER, unfinishedMarker } from './unfinished-marker.ts';
import { syncAll, syncFileSystems, syncPath, writeDurably, type PathLike } from './durable.ts';
import { readWrapper, restoreCommand, WRAPPER_COPY } from './fetch/restore-command.ts';
import { includedFiles, withoutPlacesOfOriginal } from './places-of-original.ts';
import { believeCopy, type RestorePlan, type RestoreRequest } from './plan.ts';
import { readBackupFile } from './read-file.ts';
import { readContents, type Contents } from './read-contents.ts';
import { withClearedSettings, withPort, withRecoverySettings } from './recovery-settings.ts';
import { RESTORED_MARKER, restoredMarker } from '../repository/restored-marker.ts';
import { assertLogKeepsOut } from './tablespaces/own-log.ts';
import { TargetPaths, tablespaceMap } from './target-paths.ts';
import { isWhole } from './whole-file.ts';
import { makeDirectories, makeFiles, targetDirectories } from './target-tree.ts';

const CONFIGURATION = 'postgresql.conf';

export interface RestoreProgress {
  readonly phase: 'preparing' | 'comparing' | 'writing' | 'syncing';
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface RestoreContext {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: RestoreProgress) => void;
}

export interface RestoreResult {
  readonly directory: string;
  readonly files: number;
  /** Of all files, bytes: all of them were written, unless some were there already. */
  readonly bytes: number;
  /** What an earlier copy was good for; undefined where there was none. */
  readonly delta: DeltaResult | undefined;
  readonly seconds: number;
  /** Whether the file system refused O_DIRECT, so that everything went through the page cache. */
  readonly buffered: boolean;
}

export interface DeltaResult {
  /** Bytes of the copy that were read. */
  readonly comparedBytes: number;
  /** Bytes of files that were known without that: nothing had touched them since they were restored. */
  readonly believedBytes: number;
  /** Bytes written, of new files too. */
  readonly writtenBytes: number;
  /** Files, links and the like that did not belong. */
  readonly removedFiles: number;
}

/**
 * Carries out a plan: every needed frame is read once, every file written once, or only where an earlier copy differs. The control file comes last, after
 * everything else is on the disk, so that a restore that was broken off leaves a directory no server starts on, and which
 * may be restored into again.
 *
 * @throws LarderError RESTORE_REFUSED, RESTORE_FAILED, OBJECT_MISSING, OBJECT_DAMAGED, the signal's reason
 */
export async function restoreBackup(plan: RestorePlan, context: RestoreContext): Promise<RestoreResult> {
  const { clock, signal } = context;
  const began = clock.monotonic();
  const paths = new TargetPaths(plan.target.path, plan.tablespaces);
  try {
    signal.throwIfAborted();
    context.onProgress({ phase: 'preparing', doneBytes: 0, totalBytes: plan.bytes });
    const found = await lookAtCopy(plan);
    // from here on a copy is none any more until the end
    signal.throwIfAborted();
    await prepareTargets(plan, context);
    const copy = await readyEarlierCopy(plan, found, context);
    const directories = await makeDirectories(plan, paths);
    await makeFiles(plan, paths, { kept: copy.kept, signal });
    const contents = await writeContents(plan, paths, copy, context);
    assertWhole(plan, copy, contents);
    const record = await observeFiles(restoredFiles(plan, paths, copy), clock, signal);
    context.onProgress({ phase: 'syncing', doneBytes: plan.bytes, totalBytes: plan.bytes });
    await adaptSettings(plan);
    await markRestored(plan, clock);
    await makeDurable(plan, paths, directories);
    signal.throwIfAborted();
    // without a control file no server starts on it
    await assertLogKeepsOut(plan.target.path, plan.request.backup, 'occupied');
    await leaveRecord(plan.target.path, record, plan.request.owner);
    await writeControlFile(plan);
    await removeMarkers(plan);
    return {
      directory: plan.target.path,
      files: plan.files.length,
      bytes: plan.bytes,
      delta: found === undefined ? undefined : deltaResult(copy, contents),
      seconds: (clock.monotonic() - began) / 1000,
      buffered: contents.buffered,
    };
  } catch (error) {
    throw asRestoreError(error, plan);
  }
}

/** Empties what a broken-off restore left, and marks every target as unfinished before anything else is written. */
async function prepareTargets(plan: RestorePlan, { clock }: RestoreContext): Promise<void> {
  const { owner, backup } = plan.request;
  const marker = unfinishedMarker(backup, clock.now());
  for (const target of [plan.target, ...plan.tablespaces.flatMap((tablespace) => tablespace.target ?? [])]) {
    if (target.state === 'copy') await disableCopy(target, { owner, marker, ...backup });
    else await clearTarget(target, owner);
    // PostgreSQL refuses a data directory that others may enter
    await chmod(target.path, 0o700);
    if (target.state !== 'copy') await markUnfinished(target.path, marker, owner);
  }
}

/** Before anything is changed: what lies in the targets, and what of it is known without reading it. */
async function lookAtCopy(plan: RestorePlan): Promise<SurveyedCopy | undefined> {
  const survey = await surveyTargets(plan);
  return survey === undefined ? undefined : { survey, belief: await believeCopy(plan, survey) };
}

async function readyEarlierCopy(
  plan: RestorePlan,
  found: SurveyedCopy | undefined,
  { onProgress, signal }: RestoreContext,
): Promise<EarlierCopy> {
  const totalBytes = plan.copy?.bytes ?? 0;
  return readyCopy(found, {
    ...plan.request,
    manifest: plan.manifest,
    onProgress: (doneBytes) => onProgress({ phase: 'comparing', doneBytes, totalBytes }),
    signal,
  });
}

/** One call to the kernel for each target's file system; where that is not to be had, one for each file and directory. */
async function makeDurable(
  plan: RestorePlan,
  paths: TargetPaths,
  directories: readonly PathLike[],
): Promise<void> {
  await syncPath(dirname(plan.target.path));
  if (await syncFileSystems(targetDirectories(plan))) return;
  await syncAll([
    ...plan.files.filter(({ path }) => path !== CONTROL_FILE).map(({ path }) => paths.of(path)),
    ...directories,
  ]);
}

async function writeContents(
  plan: RestorePlan,
  paths: TargetPaths,
  copy: EarlierCopy,
  context: RestoreContext,
): Promise<Contents> {
  const { request, manifest } = plan;
  const { work, bytes: totalBytes } = remainingWork(plan.work, copy.differing);
  return readContents({
    location: request.location,
    manifest,
    work,
    workers: request.workers,
    owner: request.owner,
    targetOf: (index) => {
      const file = manifest.files[index];
      if (file === undefined) return undefined;
      return { path: paths.of(file.path), fileSize: file.size, earlier: earlierOf(copy, index, file) };
    },
    partsOf: (piece) => differingParts(piece, copy.differing),
    onProgress: (doneBytes) => context.onProgress({ phase: 'writing', doneBytes, totalBytes }),
    onDamage: (damage) => {
      throw damage;
    },
    signal: context.signal,
  });
}

function restoredFiles(plan: RestorePlan, paths: TargetPaths, { believed }: EarlierCopy): RestoredFiles {
  const { manifest, request } = plan;
  const restored = new Set(plan.files);
  return {
    backup: request.backup,
    manifest,
    directories: targetDirectories(plan),
    believed,
    pathOf: (index) => {
      const file = manifest.files[index];
      // the control file comes last
      const isThere = file !== undefined && restored.has(file) && file.path !== CONTROL_FILE;
      return isThere ? paths.of(file.path) : undefined;
    },
  };
}

/** Every file was written to its last byte with the checksum it was backed up with. */
function assertWhole(plan: RestorePlan, copy: EarlierCopy, contents: Contents): void {
  const restored = new Set(plan.files);
  for (const [index, file] of plan.manifest.files.entries()) {
    if (!restored.has(file) || file.path === CONTROL_FILE) continue;
    if (isWhole(file, contentsOf(copy, contents.files, index))) continue;
    throw new LarderError('OBJECT_DAMAGED', `${file.path} does not have the content it was backed up with`);
  }
}

function deltaResult(copy: EarlierCopy, { files, writtenBytes }: Contents): DeltaResult {
  const { comparedBytes, removedFiles, believed } = copy;
  let believedBytes = 0;
  for (const { contents } of believed.values()) believedBytes += contents.bytes;
  return {
    comparedBytes: comparedBytes + comparedWithContent(copy, files),
    believedBytes,
    writtenBytes,
    removedFiles,
  };
}

/** The files in which a copy has to differ from its source. */
async function adaptSettings(plan: RestorePlan): Promise<void> {
  const { request, target } = plan;
  if (plan.tablespaces.some(({ linked }) => linked)) {
    await writeDurably(
      join(target.path, 'tablespace_map'),
      Buffer.from(tablespaceMap(plan.tablespaces)),
      request.owner,
    );
  }
  await adaptLabel(plan);
  await adaptPlaces(plan);
  const own = await readBackupFile(request.store, plan.manifest, 'postgresql.auto.conf');
  const text = adaptedSettings(own?.toString('utf8') ?? '', plan);
  if (text === undefined) return;
  await writeDurably(join(target.path, 'postgresql.auto.conf'), Buffer.from(text), request.owner);
  // it makes the server roll forward; without it the settings above mean nothing
  if (request.recovery === undefined) return;
  await writeDurably(join(target.path, WRAPPER_COPY), await readWrapper(), request.owner);
  await writeDurably(join(target.path, 'recovery.signal'), Buffer.alloc(0), request.owner);
}

async function markRestored({ request, target }: RestorePlan, clock: Clock): Promise<void> {
  const marker = Buffer.from(restoredMarker(request.backup.id, clock.now()));
  await writeDurably(join(target.path, RESTORED_MARKER), marker, request.owner);
}

async function adaptLabel({ request, manifest, target }: RestorePlan): Promise<void> {
  const label = await readBackupFile(request.store, manifest, BACKUP_LABEL);
  const complete = completeBackupLabel(label?.toString('utf8') ?? '');
  if (complete === undefined) return;
  await writeDurably(join(target.path, BACKUP_LABEL), Buffer.from(complete), request.owner);
}

async function adaptPlaces({ request, manifest, target }: RestorePlan): Promise<void> {
  // of a hundred thousand files nearly all are relations
  const others = manifest.files.filter(({ path }) => !/^(base|global|pg_tblspc)\//.test(path));
  const files = new Set(others.map(({ path }) => path));
  const waiting = [CONFIGURATION];
  const seen = new Set<string>();
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    // bytes stay as they are, whatever their encoding
    const own = (await readBackupFile(request.store, manifest, path))?.toString('latin1') ?? '';
    waiting.push(...includedFiles(own, path, files));
    const text = withoutPlacesOfOriginal(own, target.path);
    if (text === undefined) continue;
    await writeDurably(join(target.path, path), Buffer.from(text, 'latin1'), request.owner);
  }
}

/** `undefined` where nothing is to be changed. */
function adaptedSettings(text: string, plan: RestorePlan): string | undefined {
  const changed = withoutPlacesOfOriginal(text, plan.target.path);
  const settings = recoverySettings(changed ?? text, plan.request) ?? changed;
  const { port } = plan.request;
  return port === undefined ? settings : withPort(settings ?? text, port);
}

function recoverySettings(own: string, request: RestoreRequest): string | undefined {
  const { recovery, sourceSettings, location } = request;
  const backupId = request.backup.id;
  const keepSourceSettings = sourceSettings === 'keep';
  if (recovery === undefined) return keepSourceSettings ? undefined : withClearedSettings(own, backupId);
  const command = restoreCommand(recovery, location);
  return withRecoverySettings(own, { backupId, recovery, command, keepSourceSettings });
}

async function writeControlFile(plan: RestorePlan): Promise<void> {
  const content = await readBackupFile(plan.request.store, plan.manifest, CONTROL_FILE);
  if (content === undefined) throw new LarderError('OBJECT_DAMAGED', `the backup has no ${CONTROL_FILE}`);
  await writeDurably(join(plan.target.path, CONTROL_FILE), content, plan.request.owner);
}

async function removeMarkers(plan: RestorePlan): Promise<void> {
  // the data directory's last: a tablespace that is still marked would be cleared by the next restore that names it, and
  // by then a server may run on it
  for (const directory of targetDirectories(plan).reverse()) {
    await unlink(join(directory, UNFINISHED_MARKER));
    await syncPath(directory);
  }
}

/** Keeps our own errors; everything else is the target's file system refusing. */
function asRestoreError(thrown: unknown, plan: RestorePlan): LarderError {
  const error = toLarderError(thrown);
  if (error.code !== 'INTERNAL' || !(thrown instanceof Error) || !('code' in thrown)) return error;
  return new LarderError('RESTORE_FAILED', `could not restore into ${plan.target.path}: ${error.message}`, {
    hint: 'The directory cannot be started; mend the cause and restore into it again.',
    cause: thrown,
  });
}
