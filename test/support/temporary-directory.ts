import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
}

/** An empty directory that goes away with its scope. */
export async function temporaryDirectory(): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'larder-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/**
 * The same on a file system of its own: `tmpfs` of 4 MiB, or `ramfs`, which refuses O_DIRECT. `undefined`, with a word on
 * stderr, where mounting is not allowed.
 */
export async function mountedDirectory(type: 'tmpfs' | 'ramfs'): Promise<TemporaryDirectory | undefined> {
  const directory = await temporaryDirectory();
  try {
    await run('mount', ['-t', type, '-o', 'size=4m', 'larder-test', directory.path]);
  } catch {
    await directory[Symbol.asyncDispose]();
    process.stderr.write(`skipped: mounting a ${type} needs root\n`);
    return undefined;
  }
  const dispose = async (): Promise<void> => {
    // lazily: what the test holds open there is closed when its thread ends
    await run('umount', ['--lazy', directory.path]);
    await directory[Symbol.asyncDispose]();
  };
  return { path: directory.path, [Symbol.asyncDispose]: dispose };
}
