import type { BigIntStats } from 'node:fs';
import { chown, mkdir, readdir, readFile, realpath, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LarderError, systemErrorCode } from '../errors.ts';
import type { Owner } from './durable.ts';
import { UNFINISHED_MARKER } from './unfinished-marker.ts';

/** A file system's own, in the root of a freshly made one. */
export const IGNORED = new Set(['lost+found']);

export interface TargetDirectory {
  /** Absolute, links resolved as far as it exists. */
  readonly path: string;
  /**
   * `unfinished`: an earlier restore into it was broken off; its files are removed first. `copy`: it holds the same cluster
   * as it once was, whole or not, of which `--delta` keeps what is as it should be.
   */
  readonly state: 'absent' | 'empty' | 'unfinished' | 'copy';
}

/**
 * Looks at a directory that a restore shall fill.
 * @throws LarderError RESTORE_REFUSED when anything is in it that no broken-off restore put there
 */
export async function inspectTarget(directory: string, option: string): Promise<TargetDirectory> {
  const { path, state, found } = await lookInto(directory);
  if (state !== 'filled') return { path, state };
  if (found.includes('postmaster.pid')) throw await serverThere(path, BESIDE_IT);
  // postmaster.opts is written at the first start and never removed: with it, the copy has lived
  if (found.includes(UNFINISHED_MARKER) && !found.includes('postmaster.opts'))
    return { path, state: 'unfinished' };
  throw new LarderError(
    'RESTORE_REFUSED',
    `${path} is not empty (it holds ${found.slice(0, 3).join(', ')}${found.length > 3 ? ', …' : ''})`,
    {
      hint: `Name an empty or new directory for ${option}. Larder writes over nothing that it finds, but for an earlier copy of the same cluster with --delta.`,
    },
  );
}

const BESIDE_IT =
  'Restore into an empty directory beside it; stop the server and exchange the directories once the copy is checked.';

/** A directory with its links resolved, and the names in it. */
export interface Look {
  readonly path: string;
  readonly state: 'absent' | 'empty' | 'filled';
  readonly found: readonly string[];
}

/** Throws RESTORE_REFUSED where it cannot be read. */
export async function lookInto(directory: string): Promise<Look> {
  const path = await resolveExisting(directory);
  const names = await entries(path);
  const found = (names ?? []).filter((name) => !IGNORED.has(name));
  if (names === undefined) return { path, state: 'absent', found };
  return { path, state: found.length === 0 ? 'empty' : 'filled', found };
}

/** Makes the directory ready: there, the owner's, and empty but for a copy. Only what a broken-off restore left is removed. */
export async function clearTarget(target: TargetDirectory, owner: Owner | undefined): Promise<void> {
  if (target.state === 'absent') await makeTarget(target.path, owner);
  if (owner !== undefined) await chown(target.path, owner.uid, owner.gid);
  if (target.state !== 'unfinished') return;
  const again = await inspectTarget(target.path, 'the directory');
  if (again.state !== 'unfinished') return;
  // the marker goes last: dying in between must leave a directory that can still be told from a stranger's
  for (const name of (await entries(target.path)) ?? []) {
    if (!IGNORED.has(name) && name !== UNFINISHED_MARKER)
      await rm(join(target.path, name), { recursive: true, force: true });
  }
}

/** Parents that are made with it become the owner's too: they are private, and he has to pass through them. */
async function makeTarget(path: string, owner: Owner | undefined): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (owner === undefined || first === undefined) return;
  for (let made = dirname(path); made.length >= first.length; made = dirname(made)) {
    await chown(made, owner.uid, owner.gid);
  }
}

/** One part in so many of a file system is spared, however much is asked for. */
const SPARED_SHARE = 20;

/**
 * Checks that every file system has room for what goes onto it.
 * @param needs bytes by directory; directories may not exist yet
 * @param spared of each file system stays free, at most: 0 where whoever asks gives the room knowingly
 * @throws LarderError RESTORE_REFUSED
 */
export async function assertRoom(
  needs: readonly { readonly path: string; readonly bytes: number }[],
  spared = 0,
): Promise<void> {
  const byDevice = new Map<bigint, { path: string; bytes: number }>();
  for (const { path, bytes } of needs) {
    const existing = await nearestExisting(path);
    const device = existing.stats.dev;
    const known = byDevice.get(device);
    byDevice.set(device, { path: existing.path, bytes: (known?.bytes ?? 0) + bytes });
  }
  for (const { path, bytes } of byDevice.values()) {
    const { blocks, bavail, bsize } = await statfs(path);
    const spare = Math.min(spared, Math.floor((blocks * bsize) / SPARED_SHARE));
    // a file system that gives no size cannot tell what is free either
    if (blocks === 0 || bavail * bsize >= bytes + spare) continue;
    const rest = spare === 0 ? '' : `, of which ${spare} are left to others`;
    throw new LarderError(
      'RESTORE_REFUSED',
      `the restore writes ${bytes} bytes and the file system of ${path} has ${bavail * bsize} free${rest}`,
      { hint: 'Make room there, or choose another directory.' },
    );
  }
}

async function entries(path: string): Promise<string[] | undefined> {
  try {
    return await readdir(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw unusable(path, error);
  }
}

function unusable(path: string, error: unknown): LarderError {
  const reason = error instanceof Error ? error.message : String(error);
  const notDirectory = systemErrorCode(error) === 'ENOTDIR';
  return new LarderError(
    'RESTORE_REFUSED',
    notDirectory ? `${path} is not a directory` : `${path} cannot be read: ${reason}`,
    {
      hint: notDirectory
        ? 'Name an empty directory, or one that does not exist yet; no part of its path may be a file.'
        : 'Run as a user who may read and write there, or choose another directory.',
      cause: error,
    },
  );
}

/** The refusal of a directory that has a server, with the hint. */
export async function serverThere(path: string, hint: string): Promise<LarderError> {
  const pid = (await readFile(join(path, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0] ?? '';
  return new LarderError(
    'RESTORE_REFUSED',
    `${path} is the data directory of a PostgreSQL server (postmaster.pid names process ${pid})`,
    { hint },
  );
}

/** The path with the links of its existing part resolved: what is checked is what is written to. */
async function resolveExisting(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw unusable(path, error);
    const parent = dirname(path);
    return parent === path ? path : join(await resolveExisting(parent), basename(path));
  }
}

async function nearestExisting(path: string): Promise<{ path: string; stats: BigIntStats }> {
  try {
    return { path, stats: await stat(path, { bigint: true }) };
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
    return nearestExisting(dirname(path));
  }
}
