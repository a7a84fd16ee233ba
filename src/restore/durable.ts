import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { release } from 'node:os';
import { dirname } from 'node:path';

export type PathLike = string | Buffer;

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Files or directories made durable at the same time. */
const AT_ONCE = 4;

/** Forces what was written to them onto the disk. A failed fsync is final: the caller gives the restore up. */
export async function syncAll(paths: readonly PathLike[]): Promise<void> {
  const queue = paths.values();
  const lane = async (): Promise<void> => {
    for (const path of queue) await syncPath(path);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

/**
 * Forces whole file systems onto the disk, with coreutils' `sync -f` (syncfs): one journal commit instead of one for every
 * file, which with 80,000 files is the difference between a second and a minute. PostgreSQL's own tools offer the same as
 * `--sync-method=syncfs`.
 * @returns false when it could not be done, for whatever reason: the caller then forces every file by itself, and meets
 *   the error, if there is one, there
 */
export async function syncFileSystems(directories: readonly string[]): Promise<boolean> {
  if (!reportsWriteBackErrors(release())) return false;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  execFile('sync', ['-f', '--', ...directories], { env: { PATH: '/usr/bin:/bin' } }, (error) =>
    resolve(error === null),
  );
  return promise;
}

/** Before Linux 5.8 syncfs said nothing of data that did not reach the disk. @param kernel as `uname -r` prints it */
export function reportsWriteBackErrors(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split('.', 2).map(Number);
  return major > 5 || (major === 5 && minor >= 8);
}

export async function syncPath(path: PathLike): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes a small file in place of any older one: whole or not at all, and durable. */
export async function writeDurably(path: string, bytes: Uint8Array, owner: Owner | undefined): Promise<void> {
  const temporary = `${path}.larder`;
  const handle = await open(
    temporary,
    constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    if (owner !== undefined) await handle.chown(owner.uid, owner.gid);
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
  await syncPath(dirname(path));
}
