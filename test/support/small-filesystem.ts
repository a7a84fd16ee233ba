import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A file system of its own; disposing unmounts it, the directory stays. */
export type Mounted = AsyncDisposable;

/** Mounts an empty tmpfs, which fills up soon; `undefined` where this process may not mount. */
export async function mountSmall(directory: string, megabytes: number): Promise<Mounted | undefined> {
  await mkdir(directory, { recursive: true });
  return mounted(['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=711`, 'larder-test', directory], directory);
}

/** Mounts a ramfs, which refuses O_DIRECT (as tmpfs did until Linux 6.6) and does not tell its size. */
export async function mountWithoutDirect(directory: string): Promise<Mounted | undefined> {
  await mkdir(directory, { recursive: true });
  return mounted(['-t', 'ramfs', '-o', 'mode=711', 'larder-test', directory], directory);
}

/** Shows a directory under another name, where nobody may write; `undefined` where this process may not mount. */
export async function mountReadOnly(source: string, directory: string): Promise<Mounted | undefined> {
  await mkdir(directory, { recursive: true });
  return mounted(['-o', 'bind,ro', source, directory], directory);
}

async function mounted(options: string[], directory: string): Promise<Mounted | undefined> {
  try {
    await run('mount', options);
  } catch {
    return undefined;
  }
  // lazily: a worker that is just ending may hold a file open
  return {
    [Symbol.asyncDispose]: async () => {
      await run('umount', ['-l', directory]);
    },
  };
}
