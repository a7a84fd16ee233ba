import { link, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { LarderError, systemErrorCode } from '../errors.ts';

const LOCK = 'audit.lock';
/** Appending takes milliseconds: who has not given the lock back by then is gone. Milliseconds. */
const ABANDONED = 10_000;
const RETRY = 10;
const PATIENCE = 20_000;

/**
 * Does the work while no other process does. The lock is given back whatever happens; one that a dead process left is taken
 * after ten seconds.
 * @throws LarderError STATE_NOT_WRITABLE when it is never given back
 */
export async function withAuditLock<Result>(
  directory: string,
  clock: Clock,
  work: () => Promise<Result>,
): Promise<Result> {
  const path = join(directory, LOCK);
  const own = `${process.pid} ${clock.now()}\n`;
  await take(path, own, clock);
  try {
    return await work();
  } finally {
    // one that was taken from us for dead is no longer ours to give back
    if ((await readFile(path, 'utf8').catch(() => '')) === own) await unlink(path).catch(() => undefined);
  }
}

async function take(path: string, own: string, clock: Clock): Promise<void> {
  const began = clock.monotonic();
  while (clock.monotonic() - began < PATIENCE) {
    try {
      const handle = await open(path, 'wx', 0o600);
      await handle.writeFile(own).finally(() => handle.close());
      return;
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
    }
    await removeAbandoned(path, clock.now());
    await clock.sleep(RETRY);
  }
  throw new LarderError('STATE_NOT_WRITABLE', `${path} is never given back`, {
    hint: 'Remove it when no other Larder runs on this state directory.',
  });
}

/** One that was taken anew meanwhile is put back. */
async function removeAbandoned(path: string, now: number): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || now - found.mtimeMs < ABANDONED) return;
  const aside = `${path}.${process.pid}`;
  await rename(path, aside).catch(() => undefined);
  const taken = await stat(aside).catch(() => undefined);
  if (taken !== undefined && taken.ino !== found.ino) await link(aside, path).catch(() => undefined);
  await unlink(aside).catch(() => undefined);
}
