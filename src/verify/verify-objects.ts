import type { Clock } from '../clock.ts';
import { LarderError, toLarderError } from '../errors.ts';
import { readCommitRecord } from '../repository/catalogue.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import { commitRecordName, manifestName } from '../repository/layout.ts';
import { readManifest, type Manifest } from '../repository/manifest/manifest-reader.ts';
import { assertTree } from '../restore/entry-tree.ts';
import { frameWork } from '../restore/pieces.ts';
import { readContents } from '../restore/read-contents.ts';
import type { ObjectStore, StoreLocation } from '../storage/object-store.ts';
import { checkAgainstServerManifest, checkOwnChecksums, checkWal } from './file-contents.ts';
import { Findings, type VerifyReport } from './report.ts';
import { checkStoredLog } from './stored-log.ts';
import { checkStoredObjects } from './stored-objects.ts';

export interface VerifyRequest {
  readonly store: ObjectStore;
  /** The same store, for the worker threads. */
  readonly location: StoreLocation;
  readonly backup: CommitRecord;
  readonly workers: number;
  /**
   * Leaves out what a restore proves that writes or compares every file: instead of every frame, every object of the chain is
   * compared with its SHA-256.
   */
  readonly restored?: boolean;
}

export interface VerifyContext {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: VerifyProgress) => void;
}

export interface VerifyProgress {
  readonly part: 'backup' | 'log';
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/**
 * Verifies a backup at the level of stored bytes: every object is there and unchanged, every frame has its checksum, every
 * file has the checksum of the server's own manifest, the WAL it needs is in it, and the transaction log behind it is
 * whole. It writes nothing, and proves nothing about what PostgreSQL makes of those bytes.
 *
 * @throws LarderError when something could not be looked at (the store does not answer): that is no verdict
 */
export async function verifyObjects(request: VerifyRequest, context: VerifyContext): Promise<VerifyReport> {
  const { store, backup } = request;
  const began = context.clock.monotonic();
  const findings = new Findings();
  if (backup.state === 'corrupt_source') {
    const said = backup.warnings.find((warning) => warning.startsWith('ERROR')) ?? 'no details';
    findings.add({
      code: 'SOURCE_CORRUPT',
      message: `the server itself found damaged pages in this backup: ${said}`,
    });
  }
  await checkStoredObjects(store, backup, { findings, signal: context.signal });
  const manifest = await readManifestOrFind(store, backup, findings);
  const checked =
    manifest === undefined
      ? { files: 0, merged: 0, frames: 0 }
      : await (request.restored === true ? checkMembers : checkContents)(request, context, {
          manifest,
          findings,
        });
  const log = await checkStoredLog(store, backup, {
    findings,
    signal: context.signal,
    onProgress: (progress) => context.onProgress({ part: 'log', ...progress }),
  });
  return {
    backup: backup.id,
    level: 'objects',
    findings: findings.all,
    checkedObjects: backup.objects.length,
    checkedFrames: checked.frames,
    checkedFiles: checked.files,
    mergedFiles: checked.merged,
    bytes: manifest?.bytes ?? 0,
    log: log ?? null,
    seconds: (context.clock.monotonic() - began) / 1000,
  };
}

async function readManifestOrFind(
  store: ObjectStore,
  backup: CommitRecord,
  findings: Findings,
): Promise<Manifest | undefined> {
  const object = manifestName(backup.id);
  try {
    const manifest = await readManifest(store, backup.id);
    assertTree(manifest, object);
    if (manifest.files.length !== backup.files || manifest.bytes !== backup.sourceBytes) {
      throw new LarderError('OBJECT_DAMAGED', `${object} lists other files than the commit record counts`);
    }
    return manifest;
  } catch (error) {
    findings.addOrThrow(toLarderError(error), { object });
    return undefined;
  }
}

async function checkContents(
  { store, location, backup, workers }: VerifyRequest,
  { signal, onProgress }: VerifyContext,
  { manifest, findings }: { readonly manifest: Manifest; readonly findings: Findings },
): Promise<{ files: number; merged: number; frames: number }> {
  await checkChain(store, backup, { manifest, findings });
  const work = frameWork(manifest, () => true);
  const { files } = await readContents({
    location,
    manifest,
    work,
    workers,
    owner: undefined,
    targetOf: () => undefined,
    onProgress: (doneBytes) => onProgress({ part: 'backup', doneBytes, totalBytes: manifest.bytes }),
    onDamage: (error) => findings.addOrThrow(error, objectOf(error, backup)),
    signal,
  });
  const contents = checkOwnChecksums(manifest, files, findings);
  checkWal(backup, contents, findings);
  const { equal, merged } = await checkAgainstServerManifest(store, backup, { contents, findings });
  return { files: equal, merged, frames: work.length };
}

/** The objects of every backup of the chain but its own, which were looked at. */
async function checkMembers(
  { store, backup }: VerifyRequest,
  { signal }: VerifyContext,
  { manifest, findings }: { readonly manifest: Manifest; readonly findings: Findings },
): Promise<{ files: number; merged: number; frames: number }> {
  await checkChain(store, backup, { manifest, findings });
  for (const { id } of manifest.chain.slice(0, -1)) {
    const record = await readMember(store, id);
    if (record !== undefined) await checkStoredObjects(store, record, { findings, signal });
  }
  return { files: 0, merged: 0, frames: 0 };
}

/** What is wrong with its record was found already. */
async function readMember(store: ObjectStore, id: string): Promise<CommitRecord | undefined> {
  try {
    return await readCommitRecord(store, id);
  } catch (error) {
    const { code } = toLarderError(error);
    if (!['BACKUP_UNKNOWN', 'OBJECT_DAMAGED'].includes(code)) throw error;
    return undefined;
  }
}

/** Every backup that an incremental one builds on is there, and they are those that its record names. */
async function checkChain(
  store: ObjectStore,
  backup: CommitRecord,
  { manifest, findings }: { readonly manifest: Manifest; readonly findings: Findings },
): Promise<void> {
  const ids = manifest.chain.map(({ id }) => id);
  const object = manifestName(backup.id);
  if (ids[0] !== backup.chain || (ids.at(-2) ?? null) !== backup.parent) {
    const message = `${object} builds on other backups than the commit record says`;
    findings.add({ code: 'OBJECT_DAMAGED', message, object });
  }
  for (const id of ids.slice(0, -1)) await checkMember(store, id, findings);
}

async function checkMember(store: ObjectStore, id: string, findings: Findings): Promise<void> {
  const object = commitRecordName(id);
  try {
    await readCommitRecord(store, id);
  } catch (thrown) {
    const error = toLarderError(thrown);
    if (error.code !== 'BACKUP_UNKNOWN') findings.addOrThrow(error, { object });
    else
      findings.add({
        code: 'OBJECT_MISSING',
        message: `${object} is missing: this backup builds on it`,
        object,
      });
  }
}

/** The object a message is about: every message about one begins with its name. */
function objectOf(error: LarderError, backup: CommitRecord): { object?: string } {
  const object = backup.objects.find(({ name }) => error.message.includes(name))?.name;
  return object === undefined ? {} : { object };
}
