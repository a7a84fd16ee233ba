import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LarderError, systemErrorCode } from '../errors.ts';
import { makePrivateDirectory } from '../postgres/server/instance-home.ts';
import type { InstanceUser } from '../postgres/server/instance-user.ts';
import { canEnter } from '../postgres/server/instance-user.ts';
import { isProvablyAlive, readProcessIdentity, type ProcessIdentity } from '../process-identity.ts';

/** Says that Larder made the directory, so that it may empty it. */
const OURS = 'larder-demo-cluster';
/** Written when the cluster is filled; without it the directory is half made. */
const COMPLETE = 'complete';
/** The process that has the cluster open. */
const OPENED_BY = 'opened-by.json';

/** What a look at the directory found. */
export interface DirectoryFacts {
  readonly entries: readonly string[];
  /** Whether the process of `opened-by.json` still runs. */
  readonly isOpen: boolean;
}

export type DirectoryState = 'empty' | 'half-made' | 'complete' | 'open' | 'foreign';

/** What may be done with the directory; pure. */
export function assessDirectory({ entries, isOpen }: DirectoryFacts): DirectoryState {
  if (entries.length === 0) return 'empty';
  if (!entries.includes(OURS)) return 'foreign';
  if (isOpen) return 'open';
  return entries.includes(COMPLETE) ? 'complete' : 'half-made';
}

/**
 * Where the cluster lies: `postgres` below the directory, or, when the account that has to run it cannot get there (a
 * checkout under /root), a directory of /var/tmp whose name is made from the first choice.
 */
export async function locateCluster(directory: string, user: InstanceUser | undefined): Promise<string> {
  const wanted = join(resolve(directory), 'postgres');
  await mkdir(resolve(directory), { recursive: true });
  if (await canEnter(resolve(directory), user)) return wanted;
  const name = createHash('sha256').update(wanted).digest('hex').slice(0, 16);
  return `/var/tmp/larder-demo-${name}`;
}

/**
 * Takes the directory for this process, empty or with a complete cluster in it. `beforeEmptying` is called before a half
 * made cluster is removed. Throws INSTANCE_FAILED when the directory is somebody else's or another process has it open.
 */
export async function claimDirectory(
  path: string,
  beforeEmptying: () => Promise<void>,
): Promise<'empty' | 'complete'> {
  await makePrivateDirectory(path, undefined);
  await assertOurs(path);
  const state = assessDirectory({ entries: await readdir(path), isOpen: await isOpened(path) });
  if (state === 'open' || state === 'foreign') throw refusal(path, state);
  if (state === 'half-made') {
    await beforeEmptying();
    await emptyDirectory(path);
  }
  await writeFile(join(path, OURS), 'Made by "larder demo", which may remove what is in here.\n');
  await writeFile(join(path, OPENED_BY), JSON.stringify(readProcessIdentity()));
  return state === 'complete' ? 'complete' : 'empty';
}

/** Lets the next process have it. */
export async function releaseDirectory(path: string): Promise<void> {
  await rm(join(path, OPENED_BY), { force: true });
}

/** Marks the cluster as ready to be started again. */
export async function markComplete(path: string): Promise<void> {
  await writeFile(join(path, COMPLETE), '');
}

/** /var/tmp is everybody's: a directory of our name made by somebody else must not be used. */
async function assertOurs(path: string): Promise<void> {
  const found = await lstat(path);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) throw refusal(path, 'foreign');
}

async function isOpened(path: string): Promise<boolean> {
  try {
    const openedBy = JSON.parse(await readFile(join(path, OPENED_BY), 'utf8')) as ProcessIdentity;
    return isProvablyAlive(openedBy, readProcessIdentity());
  } catch (error) {
    // absent, or torn by a crash while it was written
    if (systemErrorCode(error) === 'ENOENT' || error instanceof SyntaxError) return false;
    throw error;
  }
}

async function emptyDirectory(path: string): Promise<void> {
  const entries = (await readdir(path)).filter((name) => name !== OURS);
  for (const name of entries) await rm(join(path, name), { recursive: true, force: true });
}

function refusal(path: string, state: 'open' | 'foreign'): LarderError {
  return state === 'open'
    ? new LarderError('INSTANCE_FAILED', `the demonstration cluster in ${path} is open in another process`, {
        hint: 'Stop that one first, or choose another directory.',
      })
    : new LarderError(
        'INSTANCE_FAILED',
        `${path} holds something else than a demonstration cluster of ours`,
        {
          hint: 'Choose a directory that is empty or does not exist.',
        },
      );
}
