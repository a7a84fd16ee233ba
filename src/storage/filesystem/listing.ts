import type { Dir, Stats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../../errors.ts';
import { isObjectName } from '../object-name.ts';
import type { ObjectInfo } from '../object-store.ts';

/** Directory entries looked at together: enough to keep the thread pool busy, few enough to bound memory. */
const BATCH = 64;

/**
 * The objects below `root` whose name begins with `prefix`. Anything that cannot be an object is passed over: `.tmp` and
 * other dotfiles, symbolic links, `lost+found`. What is removed meanwhile may or may not appear. Throws the system's error.
 */
export function listObjects(root: string, prefix: string): AsyncGenerator<ObjectInfo> {
  return listDirectory(root, prefix.slice(0, prefix.lastIndexOf('/') + 1), prefix);
}

/** `base` is the directory's name with its trailing slash; empty for the root. */
async function* listDirectory(root: string, base: string, prefix: string): AsyncGenerator<ObjectInfo> {
  const directory = await openIfThere(root, base);
  if (directory === undefined) return;
  for await (const names of batches(directory, base, prefix)) {
    const entries = await Promise.all(
      names.map(async (name) => ({ name, found: await lstatIfThere(join(root, name)) })),
    );
    for (const { name, found } of entries) {
      if (found?.isFile() === true) yield { name, size: found.size, modified: found.mtimeMs };
      if (found?.isDirectory() === true) yield* listDirectory(root, `${name}/`, prefix);
    }
  }
}

async function* batches(directory: Dir, base: string, prefix: string): AsyncGenerator<string[]> {
  let names: string[] = [];
  for await (const entry of directory) {
    const name = base + entry.name;
    if (!name.startsWith(prefix) || !isObjectName(name)) continue;
    names.push(name);
    if (names.length < BATCH) continue;
    yield names;
    names = [];
  }
  yield names;
}

/** What is at `path` itself, links not followed; `undefined` when nothing is. */
export async function lstatIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function openIfThere(root: string, base: string): Promise<Dir | undefined> {
  try {
    return await opendir(join(root, base), { bufferSize: BATCH });
  } catch (error) {
    const code = systemErrorCode(error);
    // below an object there are no others; a root that is no directory is an error
    if (code === 'ENOENT' || (code === 'ENOTDIR' && base !== '')) return undefined;
    throw error;
  }
}
