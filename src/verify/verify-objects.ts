import type { Clock } from '../clock.ts';
import { LarderError, toLarderError } from '../errors.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import { manifestName, packName } from '../repository/layout.ts';
import { readManifest, type Manifest } from '../repository/manifest/manifest-reader.ts';
import { assertTree } from '../restore/entry-tree.ts';
import { frameWork } from '../restore/pieces.ts';
import { readContents } from '../restore/read-contents.ts';
import type { ObjectStore, StoreLocation } from '../storage/object-store.ts';
import { checkAgainstServerManifest, checkOwnChecksums, checkWal } from './file-contents.ts';
import { Findings, type VerifyReport } from './report.ts';
import { checkStoredObjects } from './stored-objects.ts';

export interface VerifyRequest {
  readonly store: ObjectStore;
  /** The same store, for the worker threads. */
  readonly location: StoreLocation;
  readonly backup: CommitRecord;
  readonly workers: number;
}

export interface VerifyContext {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void;
}

/**
 * Verifies a backup at the level of stored bytes: every object is there and unchanged, every frame has its checksum, every
 * file has the checksum of the server's own manifest, the WAL it needs is in it. It writes nothing, and proves nothing
 * about what PostgreSQL makes of those bytes.
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
      ? { files: 0, frames: 0 }
      : await checkContents(request, context, { manifest, findings });
  return {
    backup: backup.id,
    level: 'objects',
    findings: findings.all,
    checkedObjects: backup.objects.length,
    checkedFrames: checked.frames,
    checkedFiles: checked.files,
    bytes: manifest?.bytes ?? 0,
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
    const manifest = await readManifest(store, object);
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
): Promise<{ files: number; frames: number }> {
  const work = frameWork(manifest, () => true);
  const nameOfPack = (pack: number): string => packName(backup.id, pack);
  const { files } = await readContents({
    location,
    packName: nameOfPack,
    manifest,
    work,
    workers,
    owner: undefined,
    targetOf: () => undefined,
    onProgress: (doneBytes) => onProgress({ doneBytes, totalBytes: manifest.bytes }),
    onDamage: (error) => findings.addOrThrow(error, objectOf(error, backup)),
    signal,
  });
  const contents = checkOwnChecksums(manifest, files, findings);
  checkWal(backup, contents, findings);
  const equal = await checkAgainstServerManifest(store, backup, { contents, findings });
  return { files: equal, frames: work.length };
}

/** The object a message is about: every message about one begins with its name. */
function objectOf(error: LarderError, backup: CommitRecord): { object?: string } {
  const object = backup.objects.find(({ name }) => error.message.includes(name))?.name;
  return object === undefined ? {} : { object };
}
