import { closeSync, constants, fchownSync, ftruncateSync, openSync } from 'node:fs';
import { chmod, chown, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Owner, PathLike } from './durable.ts';
import { directoriesOf } from './entry-tree.ts';
import { CONTROL_FILE } from './control-file.ts';
import type { RestorePlan } from './plan.ts';
import type { TargetPaths } from './target-paths.ts';

/** Files made before anybody else gets a turn on this thread. */
const AT_A_TIME = 256;

/** The directories a restore fills: the data directory, then the tablespaces that lie elsewhere. */
export function targetDirectories(plan: RestorePlan): string[] {
  const tablespaces = plan.tablespaces.filter(({ linked }) => linked);
  return [plan.target.path, ...tablespaces.map(({ directory }) => directory)];
}

/** Makes every directory of the backup, private, parents first, and the links to the tablespaces. */
export async function makeDirectories(plan: RestorePlan, paths: TargetPaths): Promise<PathLike[]> {
  const { owner, delta } = plan.request;
  const made: PathLike[] = targetDirectories(plan);
  for (const path of [...directoriesOf(plan.files, plan.manifest.directories)].sort()) {
    const directory = paths.of(path);
    if (made.some((known) => known === directory)) continue;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if (owner !== undefined) await chown(directory, owner.uid, owner.gid);
    // one that was there may have been opened to others
    if (delta) await chmod(directory, 0o700);
    made.push(directory);
  }
  await linkTablespaces(plan);
  return made;
}

/** The server makes these links again from tablespace_map; other tools want them before it first starts. */
async function linkTablespaces(plan: RestorePlan): Promise<void> {
  for (const { oid, directory, linked } of plan.tablespaces) {
    if (linked) await symlink(directory, join(plan.target.path, 'pg_tblspc', String(oid)));
  }
}

/**
 * Makes every file that no worker makes, and that is not there yet: empty ones, and those that lie in more than one frame, at
 * their full length.
 */
export async function makeFiles(
  plan: RestorePlan,
  paths: TargetPaths,
  { kept, signal }: { readonly kept: ReadonlyMap<number, unknown>; readonly signal: AbortSignal },
): Promise<void> {
  const { files } = plan.manifest;
  const restored = new Set(plan.files);
  const whole = wholeFiles(plan);
  let count = 0;
  for (const [index, file] of files.entries()) {
    if (!restored.has(file) || whole.has(index) || kept.has(index) || file.path === CONTROL_FILE) continue;
    makeFile(paths.of(file.path), file.size, plan.request.owner);
    count += 1;
    if (count % AT_A_TIME === 0) {
      await setImmediate();
      signal.throwIfAborted();
    }
  }
}

/** Files that a single piece holds whole: the worker that has it makes them. */
function wholeFiles(plan: RestorePlan): ReadonlySet<number> {
  const whole = new Set<number>();
  for (const { pieces } of plan.work) {
    for (const { file, length } of pieces) if (length === plan.manifest.files[file]?.size) whole.add(file);
  }
  return whole;
}

/** Synchronous: with tens of thousands of files a promise for each costs twenty times as much as the file. */
function makeFile(path: PathLike, size: number, owner: Owner | undefined): void {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const descriptor = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    if (owner !== undefined) fchownSync(descriptor, owner.uid, owner.gid);
    if (size > 0) ftruncateSync(descriptor, size);
  } finally {
    closeSync(descriptor);
  }
}
