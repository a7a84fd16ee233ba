import { mkdir, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode, toLarderError } from '../../errors.ts';
import { prepareInstanceHome, type InstanceHome } from '../../postgres/server/instance-home.ts';
import { releaseDataDirectory } from '../../postgres/server/release-data-directory.ts';
import { isProvablyDead, readProcessIdentity } from '../../process-identity.ts';
import { assertScratchRoom, claimScratch, OWNER_FILE, readOwner, type ScratchRequest } from './scratch.ts';

/** Says which backup the copy was proven for; not there while a proof is under way. */
const PROVEN_FILE = 'proven';

/** A directory whose copy is kept from one proof to the next. */
export interface KeptScratch {
  readonly home: InstanceHome;
  /** The backup that the copy in it was proven for; undefined where there is none. */
  readonly proven: string | undefined;
}

/**
 * Takes the directory of that name with the copy that the last proof left in it. What a proof left that did not come to its end is
 * removed.
 * @returns undefined where another process uses it
 * @throws LarderError RESTORE_REFUSED, INSTANCE_FAILED as `makeScratch`
 */
async function openKeptScratch(
  parent: string,
  name: string,
  request: ScratchRequest,
): Promise<KeptScratch | undefined> {
  const directory = join(parent, `kept-${name}`);
  await mkdir(directory, { recursive: true, mode: 0o711 });
  const owner = await readOwner(directory);
  if (owner !== undefined && !isProvablyDead(owner, readProcessIdentity())) return undefined;
  const proven = owner === undefined ? await readProven(directory) : undefined;
  if (proven === undefined) await empty(directory, request);
  if (!(await claimScratch(directory))) return undefined;
  await rm(join(directory, PROVEN_FILE), { force: true });
  const home = await prepareInstanceHome(directory, request.account);
  // the log of the last server would be taken for this one's
  await rm(home.logFile, { force: true });
  return { home, proven };
}

/** The same below the first parent that the account can reach. */
export async function openKept(request: ScratchRequest, name: string): Promise<KeptScratch | undefined> {
  let problem: unknown;
  for (const parent of request.parents) {
    try {
      return await openKeptScratch(parent, name, request);
    } catch (error) {
      if (toLarderError(error).code !== 'INSTANCE_FAILED') throw error;
      problem ??= error;
    }
  }
  throw toLarderError(problem);
}

/** Leaves the copy for the next proof. Its server has ended in good order. */
export async function leaveKept({ directory }: InstanceHome, backup: string): Promise<void> {
  await writeFile(join(directory, PROVEN_FILE), backup, { mode: 0o600 });
  await unlink(join(directory, OWNER_FILE));
}

/** Without the file, or with a server that did not come to its end, nothing is known of the copy. */
async function readProven(directory: string): Promise<string | undefined> {
  if (await isThere(join(directory, 'data/postmaster.pid'))) return undefined;
  try {
    return await readFile(join(directory, PROVEN_FILE), 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function empty(directory: string, request: ScratchRequest): Promise<void> {
  const data = join(directory, 'data');
  if (await isThere(data)) await releaseDataDirectory(data, request.clock);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o711 });
  await assertScratchRoom(directory, request);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
