import { chmod, copyFile, link, mkdir, readdir, readlink, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemErrorCode } from '../../errors.ts';
import type { ServerBinaries } from './find-binaries.ts';
import type { InstanceHome } from './instance-home.ts';
import { canReach } from './instance-user.ts';

/**
 * The installation itself when the instance's account can run it, else a copy of its tree below the home: a checkout
 * under /root is out of reach for everybody else.
 */
export async function reachableBinaries(
  binaries: ServerBinaries,
  home: InstanceHome,
): Promise<ServerBinaries> {
  if (await canReach(join(binaries.directory, 'postgres'), home.user)) return binaries;
  const copy = join(home.directory, 'postgresql');
  // begun anew each time: an earlier copy may be of another version, or half made
  await rm(copy, { recursive: true, force: true });
  await copyTree(dirname(binaries.directory), copy);
  return { ...binaries, directory: join(copy, 'bin') };
}

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to);
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) await copyTree(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else await copyProgramFile(source, target);
  }
}

/** A hard link where everybody may read the file, since only the directories above it are closed; else a copy. */
async function copyProgramFile(source: string, target: string): Promise<void> {
  const { mode } = await stat(source);
  if ((mode & 0o004) !== 0) {
    try {
      await link(source, target);
      return;
    } catch (error) {
      if (systemErrorCode(error) !== 'EXDEV' && systemErrorCode(error) !== 'EPERM') throw error;
    }
  }
  await copyFile(source, target);
  await chmod(target, (mode & 0o100) === 0 ? 0o644 : 0o755);
}
