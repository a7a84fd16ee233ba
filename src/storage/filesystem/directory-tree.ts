import { constants } from 'node:fs';
import { mkdir, open, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorCode } from '../../errors.ts';

const ONLY_US = 0o700;

/** A directory removed under a writer is made again this often before the writer gives up. */
const ATTEMPTS = 10;

/** The directories below a repository's root: made when a name needs them, removed when their last object goes. */
export class DirectoryTree {
  readonly root: string;
  /** Directories that are there and whose entry in their parent is on disk. */
  readonly #durable = new Set<string>();

  constructor(root: string) {
    this.root = root;
  }

  /**
   * Runs `action`, which adds an entry to `directory`, with that directory in place. A concurrent delete may take the
   * directory away as empty at any moment before the entry is there: then it is made again.
   */
  async inside<T>(directory: string, action: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#ensure(directory);
        return await action();
      } catch (error) {
        if (systemErrorCode(error) !== 'ENOENT' || attempt === ATTEMPTS) throw error;
        this.#forget(directory);
      }
    }
  }

  /** Removes `directory` and its parents up to the root, as far as they are empty. */
  async removeEmpty(directory: string): Promise<void> {
    for (let path = directory; path !== this.root; path = dirname(path)) {
      try {
        await rmdir(path);
      } catch (error) {
        // not empty, or not ours to remove: an empty directory left behind harms nobody
        if (systemErrorCode(error) !== 'ENOENT') return;
      }
      this.#durable.delete(path);
    }
  }

  /**
   * An existing directory is synced into its parent as well, once: the process that made it may have died before it
   * could.
   */
  async #ensure(directory: string): Promise<void> {
    if (this.#durable.has(directory)) return;
    if (directory === this.root) {
      await makeRoot(directory);
    } else {
      const parent = dirname(directory);
      await this.#ensure(parent);
      await makeDirectory(directory);
      await syncDirectory(parent);
    }
    this.#durable.add(directory);
  }

  /** The root is not forgotten: once it was there, one that is gone is a volume that is away, and not to be filled. */
  #forget(directory: string): void {
    for (let path = directory; path !== this.root; path = dirname(path)) this.#durable.delete(path);
  }
}

/** Makes the entries of `directory` durable. Filesystems that cannot sync a directory (some network mounts) are let be. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } catch (error) {
    // the same errors that PostgreSQL's fsync_fname_ext lets pass for directories, and the SMB client's answer
    if (!['EBADF', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP'].includes(systemErrorCode(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { mode: ONLY_US });
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  }
}

async function makeRoot(root: string): Promise<void> {
  const first = await mkdir(root, { recursive: true, mode: ONLY_US });
  if (first === undefined) return;
  for (let path = root; ; path = dirname(path)) {
    await syncAbove(dirname(path));
    if (path === first) return;
  }
}

/** Above the root nothing is ours: a parent we may add to but not read cannot be synced by us. */
async function syncAbove(directory: string): Promise<void> {
  try {
    await syncDirectory(directory);
  } catch (error) {
    if (systemErrorCode(error) !== 'EACCES') throw error;
  }
}
