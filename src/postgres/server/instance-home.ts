import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { LarderError } from '../../errors.ts';
import type { InstanceUser } from './instance-user.ts';
import { canEnter } from './instance-user.ts';

/** The private directory of one instance: what it needs beside its data lies here too. */
export interface InstanceHome {
  readonly directory: string;
  readonly dataDirectory: string;
  /** Holds the unix socket; inside `directory` unless that path is too long for a socket. */
  readonly socketDirectory: string;
  readonly logFile: string;
  /** The account the instance runs under; `undefined` when that is this process's own. */
  readonly user: InstanceUser | undefined;
}

/** Bytes of `sun_path` in `sockaddr_un` without the closing zero. */
const LONGEST_SOCKET_PATH = 107;
const LONGEST_SOCKET_NAME = '/.s.PGSQL.65535';

/** Whether a unix socket of any port can lie in the directory. */
export function fitsSocketPath(directory: string): boolean {
  return Buffer.byteLength(directory) + LONGEST_SOCKET_NAME.length <= LONGEST_SOCKET_PATH;
}

/**
 * Makes the directory if it is absent, with its socket directory. Its owner stays this process, so that a server that runs
 * under another account cannot replace the files that root writes here; that account may pass through. Throws
 * INSTANCE_FAILED when it cannot reach the directory.
 */
export async function prepareInstanceHome(
  path: string,
  user: InstanceUser | undefined,
): Promise<InstanceHome> {
  const directory = resolve(path);
  await mkdir(directory, { recursive: true });
  await chmod(directory, user === undefined ? 0o700 : 0o711);
  if (user !== undefined && !(await canEnter(directory, user))) {
    throw new LarderError('INSTANCE_FAILED', `the user ${user.name} cannot reach ${directory}`, {
      hint: `PostgreSQL does not run as root: choose a directory whose parents the user ${user.name} may enter.`,
    });
  }
  return {
    directory,
    dataDirectory: join(directory, 'data'),
    socketDirectory: await makeSocketDirectory(directory, user),
    logFile: join(directory, 'postgres.log'),
    user,
  };
}

/** Removes the directory, with the data in it, and the socket directory. The instance must have ended. */
export async function removeInstanceHome(home: InstanceHome): Promise<void> {
  await rm(home.socketDirectory, { recursive: true, force: true });
  await rm(home.directory, { recursive: true, force: true });
}

/** A directory of mode 0700 that belongs to the account, made anew; one that exists already is left as it is. */
export async function makePrivateDirectory(path: string, user: InstanceUser | undefined): Promise<void> {
  const created = await mkdir(path, { recursive: true, mode: 0o700 });
  if (created !== undefined && user !== undefined) await chown(path, user.uid, user.gid);
}

async function makeSocketDirectory(home: string, user: InstanceUser | undefined): Promise<string> {
  const inside = join(home, 'socket');
  if (fitsSocketPath(inside)) {
    await makePrivateDirectory(inside, user);
    return inside;
  }
  const parent = fitsSocketPath(join(tmpdir(), 'larder-XXXXXX')) ? tmpdir() : '/tmp';
  const outside = await mkdtemp(join(parent, 'larder-'));
  if (user !== undefined) await chown(outside, user.uid, user.gid);
  return outside;
}
