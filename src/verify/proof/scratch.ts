import { randomUUID } from 'node:crypto';
import { link, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { LarderError, systemErrorCode, toLarderError } from '../../errors.ts';
import { prepareInstanceHome, type InstanceHome } from '../../postgres/server/instance-home.ts';
import type { InstanceUser } from '../../postgres/server/instance-user.ts';
import { releaseDataDirectory } from '../../postgres/server/release-data-directory.ts';
import { isProvablyDead, readProcessIdentity, type ProcessIdentity } from '../../process-identity.ts';
import { assertRoom } from '../../restore/target-directory.ts';

/** Whose a directory below the scratch directory is. */
export const OWNER_FILE = 'process.json';
const PREFIX = 'proof-';
/** Beyond the files themselves: what recovery and its checkpoint write, and one segment that is prepared. */
const RECOVERY_BYTES = 256 * 1024 ** 2;

export interface ScratchRequest {
  /** Absolute; the first that the account of the copy's server can reach is taken. */
  readonly parents: readonly string[];
  readonly account: InstanceUser | undefined;
  /** The file sizes of the backup together, and of one segment of its log. */
  readonly sourceBytes: number;
  readonly walSegmentSize: number;
  readonly clock: Clock;
}

/**
 * Makes a directory of its own for one copy, after what killed processes left there was removed, and checks that there is
 * room. The caller removes it with `removeInstanceHome`.
 * @throws LarderError RESTORE_REFUSED where there is no room; INSTANCE_FAILED where the account can reach none of the parents
 */
export async function makeScratch(request: ScratchRequest): Promise<InstanceHome> {
  let problem: unknown;
  for (const parent of request.parents) {
    try {
      return await makeBelow(parent, request);
    } catch (error) {
      if (toLarderError(error).code !== 'INSTANCE_FAILED') throw error;
      problem ??= error;
    }
  }
  throw unreachable(toLarderError(problem));
}

async function makeBelow(parent: string, request: ScratchRequest): Promise<InstanceHome> {
  await mkdir(parent, { recursive: true, mode: 0o711 });
  await sweepScratch(parent, request.clock);
  await assertScratchRoom(parent, request);
  const directory = await mkdtemp(join(parent, PREFIX));
  try {
    await claimScratch(directory);
    return await prepareInstanceHome(directory, request.account);
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

/**
 * A copy that nobody asked for must not take the last of what a server on the same file system needs for its log: that server
 * would end at once.
 */
const SPARED_BYTES = 4 * 1024 ** 3;

/** @throws LarderError RESTORE_REFUSED */
export async function assertScratchRoom(
  path: string,
  { sourceBytes, walSegmentSize }: Pick<ScratchRequest, 'sourceBytes' | 'walSegmentSize'>,
): Promise<void> {
  await assertRoom([{ path, bytes: sourceBytes + RECOVERY_BYTES + 4 * walSegmentSize }], SPARED_BYTES);
}

/**
 * Says that this process uses the directory; the name appears with its content, or not at all.
 * @returns whether it does: of several that try at once, one
 */
export async function claimScratch(directory: string): Promise<boolean> {
  const written = join(directory, `${OWNER_FILE}.${randomUUID()}`);
  await writeFile(written, JSON.stringify(readProcessIdentity()), { mode: 0o600 });
  try {
    await link(written, join(directory, OWNER_FILE));
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(written, { force: true });
  }
}

/** Ends the servers and removes the directories of processes that are certainly dead. */
async function sweepScratch(parent: string, clock: Clock): Promise<void> {
  const self = readProcessIdentity();
  for (const name of (await readdir(parent)).filter((each) => each.startsWith(PREFIX))) {
    const directory = join(parent, name);
    const owner = await readOwner(directory);
    if (owner === undefined || !isProvablyDead(owner, self)) continue;
    await releaseDataDirectory(join(directory, 'data'), clock);
    await rm(directory, { recursive: true, force: true });
  }
}

/** The process that uses the directory; undefined where none says that it does. */
export async function readOwner(directory: string): Promise<ProcessIdentity | undefined> {
  try {
    return JSON.parse(await readFile(join(directory, OWNER_FILE), 'utf8')) as ProcessIdentity;
  } catch {
    // made this instant, or removed: not ours to judge
    return undefined;
  }
}

function unreachable(problem: LarderError): LarderError {
  return new LarderError('INSTANCE_FAILED', problem.message, {
    hint: 'The server of the copy runs under an account of its own: name a scratch directory whose parents everybody may enter (verify.scratch-directory, --scratch).',
    cause: problem,
  });
}
