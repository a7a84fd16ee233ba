import { constants } from 'node:fs';
import { lstat, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LarderError, systemErrorCode } from '../../errors.ts';
import type { Clock } from '../../clock.ts';
import { readCommitRecord } from '../../repository/catalogue.ts';
import type { CommitRecord } from '../../repository/commit-record.ts';
import { manifestName } from '../../repository/layout.ts';
import { readManifest, type Manifest } from '../../repository/manifest/manifest-reader.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { TargetDirectory } from '../target-directory.ts';
import { believedFiles, whyNotBelieved, type BelievedFile, type Restored } from './believed-files.ts';
import { decodeFilesRecord, FILES_RECORD, FILES_RECORD_LIMIT, type FilesRecord } from './files-record.ts';
import type { Survey } from './survey.ts';

/** How far the record that an earlier restore left in a copy is believed. */
export interface RecordTrust {
  /** Whether also on a copy that a server was started on since. */
  readonly evenAfterServer: boolean;
  readonly clock: Clock;
}

/** The restore that a copy comes from, as far as it can be of use; else why it cannot. */
export type EarlierRestore = Restored | { readonly why: string };

export interface Belief {
  /** By their index in the wanted backup's manifest. */
  readonly files: ReadonlyMap<number, BelievedFile>;
  /** The backup that they were left from. */
  readonly backup: string | undefined;
  /** Why there are none. */
  readonly why: string | undefined;
}

interface Wanted {
  readonly store: ObjectStore;
  readonly target: TargetDirectory;
  readonly backup: CommitRecord;
  readonly manifest: Manifest;
}

/**
 * Reads the record of a copy, and the manifest of the backup that it speaks of. Only reads.
 * @throws LarderError where the repository does not answer
 */
export async function readEarlierRestore(wanted: Wanted): Promise<EarlierRestore> {
  const record = await readFilesRecord(wanted.target.path);
  if (record === undefined) return { why: 'it has no record of the restore that it comes from' };
  const manifest = await readEarlierManifest(record, wanted);
  if (manifest === undefined) return { why: `this repository does not have ${record.backup} any more` };
  return { record, manifest };
}

/** What of a copy is known without reading it, now that it was looked at. */
export async function believe(
  earlier: EarlierRestore,
  trust: RecordTrust,
  { kept, directory, manifest }: Pick<Survey, 'kept'> & { directory: string; manifest: Manifest },
): Promise<Belief> {
  if ('why' in earlier) return { files: NONE, backup: undefined, why: earlier.why };
  const { evenAfterServer, clock } = trust;
  const ranServer = await isThere(join(directory, 'postmaster.opts'));
  const circumstances = { bootId: await readBootId(), now: clock.now(), ranServer, evenAfterServer };
  const why = whyNotBelieved(earlier.record, circumstances);
  if (why !== undefined) return { files: NONE, backup: undefined, why };
  const files = believedFiles(earlier, manifest, kept, circumstances.now);
  return { files, backup: earlier.record.backup, why: undefined };
}

const NONE: ReadonlyMap<number, BelievedFile> = new Map();

export const NOTHING_BELIEVED: Belief = { files: NONE, backup: undefined, why: undefined };

/** Of the running kernel: another one after every start of the machine. `undefined` where it does not tell. */
export async function readBootId(): Promise<string | undefined> {
  const text = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return text.trim() === '' ? undefined : text.trim();
}

/** SHA-256 of a backup's manifest, as its commit record has it. */
export function manifestSha256({ id, objects }: CommitRecord): string | undefined {
  return objects.find(({ name }) => name === manifestName(id))?.sha256;
}

/** What is no plain file, is not whole, or cannot be read, is no record. */
async function readFilesRecord(directory: string): Promise<FilesRecord | undefined> {
  try {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    await using file = await open(join(directory, FILES_RECORD), flags);
    const stats = await file.stat();
    if (!stats.isFile() || stats.size > FILES_RECORD_LIMIT) return undefined;
    return decodeFilesRecord(await file.readFile());
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}

/** `undefined` where the backup is gone, or is another one of the same name. */
async function readEarlierManifest(
  record: FilesRecord,
  { store, backup, manifest }: Wanted,
): Promise<Manifest | undefined> {
  try {
    const isSame = record.backup === backup.id;
    const earlier = isSame ? backup : await readCommitRecord(store, record.backup);
    if (manifestSha256(earlier) !== record.manifestSha256) return undefined;
    return isSame ? manifest : await readManifest(store, record.backup);
  } catch (error) {
    const gone = ['BACKUP_UNKNOWN', 'OBJECT_MISSING', 'OBJECT_DAMAGED'];
    if (error instanceof LarderError && gone.includes(error.code)) return undefined;
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
