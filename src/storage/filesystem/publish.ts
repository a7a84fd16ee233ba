import { createHash } from 'node:crypto';
import { link, lstat, open, rename, unlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { LarderError, systemErrorCode } from '../../errors.ts';
import { exists } from '../object-errors.ts';
import { type DirectoryTree, syncDirectory } from './directory-tree.ts';
import { lstatIfThere } from './listing.ts';

/** How a finished temporary file gets its final name; the last step of storing an object. */
export type Publish = (tree: DirectoryTree, from: string, to: string) => Promise<void>;

/** What link(2) answers where the filesystem has no hard links: FAT, exFAT, some FUSE and SMB mounts. */
const NO_LINKS = ['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'];

/** Milliseconds after which a claim belongs to a process that died: publishing takes far less. */
const CLAIM_AGE = 60_000;

/** Puts the file `from` in place of whatever is at `to`. */
export const publishReplacing: Publish = async (tree, from, to) => {
  await tree.inside(dirname(to), () => rename(from, to).catch((error: unknown) => throwAbsent(error, from)));
  await syncDirectory(dirname(to));
};

/** Gives the file `from` the name `to` unless that is taken; OBJECT_EXISTS then, said only once the other is durable. */
export const publishIfAbsent: Publish = (tree, from, to) => publishBy(link, tree, from, to);

/** The same, with the link call as an argument: so that a filesystem without hard links can be tried anywhere. */
export async function publishBy(
  linkFile: (from: string, to: string) => Promise<void>,
  tree: DirectoryTree,
  from: string,
  to: string,
): Promise<void> {
  const taken = await tree.inside(dirname(to), () => takeName(linkFile, from, to));
  if (!taken) {
    // its writer may have died before it could, and the caller may now act on the object being there
    await syncDirectory(dirname(to));
    throw exists(tree.root, relative(tree.root, to));
  }
  try {
    await syncDirectory(dirname(to));
  } catch (error) {
    // a second fsync could claim success for what the first lost, so a repeated call must not find the name taken
    await unlink(to).catch(() => undefined);
    throw error;
  }
  // the name is ours already: a temporary file that stays behind is for the next sweep
  await unlink(from).catch(() => undefined);
}

/** Whether `to` became the file `from`; false when the name was taken. */
async function takeName(
  linkFile: (from: string, to: string) => Promise<void>,
  from: string,
  to: string,
): Promise<boolean> {
  try {
    await linkFile(from, to);
    return true;
  } catch (error) {
    const code = systemErrorCode(error) ?? '';
    // NFS sends a request again when the answer was lost, and then meets its own first link
    if (code === 'EEXIST') return (await lstat(from)).nlink > 1;
    if (NO_LINKS.includes(code)) return await takeNameByClaim(from, to);
    return await throwAbsent(error, from);
  }
}

/** Tells the two meanings of ENOENT apart: a directory on the way to the final name, or the unfinished file itself. */
async function throwAbsent(error: unknown, from: string): Promise<never> {
  if (systemErrorCode(error) !== 'ENOENT' || (await lstatIfThere(from)) !== undefined) throw error;
  throw new LarderError(
    'REPOSITORY_UNREACHABLE',
    `the unfinished file ${from} was removed while it was written`,
    {
      hint: 'try again; look for a second larder that cleans this repository',
      cause: error,
    },
  );
}

/**
 * Without hard links: whoever creates the claim file of this name may look and rename. All writers of one filesystem
 * come this way together, so nobody can link past the claim.
 */
async function takeNameByClaim(from: string, to: string): Promise<boolean> {
  const claim = join(dirname(from), `claim-${createHash('sha256').update(to).digest('hex')}`);
  try {
    await (await open(claim, 'wx', 0o600)).close();
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
    if ((await lstatIfThere(to)) !== undefined) return false;
    throw await claimed(claim, from, to);
  }
  try {
    if ((await lstatIfThere(to)) !== undefined) return false;
    await rename(from, to);
    return true;
  } finally {
    await unlink(claim);
  }
}

/** The error for a name that another writer is publishing; a claim outlived by its writer is removed for the next try. */
async function claimed(claim: string, from: string, to: string): Promise<LarderError> {
  const [theirs, ours] = await Promise.all([lstatIfThere(claim), lstat(from)]);
  if (theirs !== undefined && ours.mtimeMs - theirs.mtimeMs > CLAIM_AGE)
    await unlink(claim).catch(() => undefined);
  return new LarderError('REPOSITORY_UNREACHABLE', `another process is storing ${to} at this moment`, {
    hint: 'try again; should this stay for more than a minute, look for a second writer of this repository',
  });
}
