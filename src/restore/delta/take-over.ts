import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  openSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { chown, lstat, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { LarderError, systemErrorCode } from '../../errors.ts';
import { CONTROL_FILE } from '../control-file.ts';
import { syncPath, type Owner } from '../durable.ts';
import { lookInto, serverThere, type TargetDirectory } from '../target-directory.ts';
import { markUnfinished } from '../unfinished-marker.ts';
import { readIdentity } from './copy-identity.ts';
import { FILES_RECORD } from './files-record.ts';
import type { KeptFile, Removal } from './survey.ts';

const AT_A_TIME = 256;

/**
 * Makes sure that no server starts on a copy, before anything in it is changed: it is marked, then loses its control file. The
 * order matters for whoever dies in between: postmaster.opts goes first, since a marked directory that has it counts as a
 * server's; and the marker is durable before the control file goes, since only it tells then whose copy this is.
 */
export async function disableCopy(
  { path }: TargetDirectory,
  { owner, marker, systemIdentifier }: DisabledBy,
): Promise<void> {
  const { found } = await lookInto(path);
  if (found.includes('postmaster.pid'))
    throw await serverThere(path, 'It was started just now. Stop it, and restore again.');
  if (owner !== undefined) await chown(path, owner.uid, owner.gid);
  // before postmaster.opts, without which it would be believed
  await rm(join(path, FILES_RECORD), { recursive: true, force: true });
  await removeFile(join(path, 'postmaster.opts'));
  // one that is there already is not cut short to be written again: without a control file nothing else tells
  if ((await readIdentity(path)).markedSystem !== systemIdentifier) await markUnfinished(path, marker, owner);
  const global = join(path, 'global');
  const stats = await lstat(global).catch(() => undefined);
  if (stats?.isDirectory() === true) {
    await removeFile(join(path, CONTROL_FILE));
    await syncPath(global);
  } else if (stats !== undefined) await removeFile(global);
  await syncPath(path);
}

interface DisabledBy {
  readonly owner: Owner | undefined;
  /** Text of the marker. */
  readonly marker: string;
  readonly systemIdentifier: string;
}

async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
}

/** Removes what does not belong, in the order of the survey. */
export async function removeAll(removals: readonly Removal[], signal: AbortSignal): Promise<void> {
  let count = 0;
  for (const { path, kind } of removals) {
    try {
      if (kind === 'directory') rmdirSync(path);
      else unlinkSync(path);
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
    }
    count += 1;
    if (count % AT_A_TIME === 0) await turn(signal);
  }
}

/** Gives every file that stays the length, the owner and the mode that a restore would have made it with. */
export async function takeOverFiles(
  files: Iterable<readonly [Pick<KeptFile, 'path' | 'stats'>, size: number]>,
  owner: Owner | undefined,
  signal: AbortSignal,
): Promise<void> {
  let count = 0;
  for (const [file, size] of files) {
    if (!isAsItShouldBe(file, size, owner)) takeOverFile(file, size, owner);
    count += 1;
    if (count % AT_A_TIME === 0) await turn(signal);
  }
}

function isAsItShouldBe({ stats }: Pick<KeptFile, 'stats'>, size: number, owner: Owner | undefined): boolean {
  const isTheirs = owner === undefined || (stats.uid === owner.uid && stats.gid === owner.gid);
  return stats.size === size && (stats.mode & 0o7777) === 0o600 && isTheirs;
}

function takeOverFile({ path }: Pick<KeptFile, 'path'>, size: number, owner: Owner | undefined): void {
  const descriptor = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile() || stats.nlink > 1)
      throw new LarderError('RESTORE_FAILED', `${String(path)} was exchanged while it was looked at`, {
        hint: 'Find out who writes there, and restore again.',
      });
    if (owner !== undefined) fchownSync(descriptor, owner.uid, owner.gid);
    fchmodSync(descriptor, 0o600);
    ftruncateSync(descriptor, size);
  } finally {
    closeSync(descriptor);
  }
}

async function turn(signal: AbortSignal): Promise<void> {
  await setImmediate();
  signal.throwIfAborted();
}
