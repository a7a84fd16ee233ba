import { link, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { Clock } from '../clock.ts';
import { LarderError, systemErrorCode } from '../errors.ts';
import { isProvablyAlive, isProvablyDead, type ProcessIdentity } from '../process-identity.ts';
import { STATUS_FILE } from './receiver-status.ts';

const holder = z.looseObject({
  host: z.string(),
  pid: z.number(),
  bootId: z.string().optional(),
  pidNamespace: z.string().optional(),
  processStart: z.string().optional(),
});

const LOCK = 'receiver.lock';
/** Milliseconds; a receiver tells how it is every second. */
const WATCH = 5_000;
const WATCH_INTERVAL = 250;
/**
 * Takes the directory for this process.
 * @throws LarderError LEASE_HELD when another one has it; the system's errors
 */
export async function takeLock(directory: string, self: ProcessIdentity, clock: Clock): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt++) {
    if (await createExclusively(join(directory, LOCK), `${JSON.stringify(self)}\n`)) return;
    const lock = await readLock(directory);
    if (lock === undefined) continue;
    if (lock.holder !== undefined && (await isHeld(directory, lock.holder, { self, clock }))) {
      throw heldBy(`a receiver (process ${lock.holder.pid} on ${lock.holder.host}) is running`, directory);
    }
    await removeLock(directory, lock.text);
  }
  throw heldBy('other receivers keep starting', directory);
}
/** Who has it now; nothing is taken or made. */
export async function findHolder(
  directory: string,
  self: ProcessIdentity,
  clock: Clock,
): Promise<ProcessIdentity | undefined> {
  const lock = await readLock(directory);
  return lock?.holder !== undefined && (await isHeld(directory, lock.holder, { self, clock }))
    ? lock.holder
    : undefined;
}

/** Lets another process have it. */
export async function releaseLock(directory: string): Promise<void> {
  await unlessAbsent(unlink(join(directory, LOCK)));
}

async function createExclusively(path: string, text: string): Promise<boolean> {
  try {
    const handle = await open(path, 'wx', 0o600);
    await handle.writeFile(text).finally(() => handle.close());
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Who wrote the lock, and its text; the holder is missing from a file that no receiver finished. */
async function readLock(
  directory: string,
): Promise<{ readonly text: string; readonly holder: ProcessIdentity | undefined } | undefined> {
  const text = await unlessAbsent(readFile(join(directory, LOCK), 'utf8'));
  if (text === undefined) return undefined;
  return { text, holder: holder.safeParse(parseJson(text)).data };
}

/**
 * Whether the holder still runs. One of another container cannot be seen from here: it is watched whether it goes on telling
 * how it is. To take the spool from a running receiver would remove what it has acknowledged.
 */
async function isHeld(
  directory: string,
  found: ProcessIdentity,
  { self, clock }: { readonly self: ProcessIdentity; readonly clock: Clock },
): Promise<boolean> {
  if (isProvablyAlive(found, self)) return true;
  if (isProvablyDead(found, self)) return false;
  // another life of this machine's kernel has ended with everything that ran in it
  if (found.host === self.host && found.bootId !== self.bootId) return false;
  const before = await toldAt(directory);
  for (let watched = 0; watched < WATCH; watched += WATCH_INTERVAL) {
    await clock.sleep(WATCH_INTERVAL);
    if ((await toldAt(directory)) !== before) return true;
  }
  return false;
}

async function toldAt(directory: string): Promise<number | undefined> {
  return (await unlessAbsent(stat(join(directory, STATUS_FILE))))?.mtimeMs;
}

/** Removes the lock with that text; one that was taken meanwhile is put back. */
async function removeLock(directory: string, text: string): Promise<void> {
  const path = join(directory, LOCK);
  const aside = `${path}.${process.pid}`;
  await unlessAbsent(rename(path, aside));
  const taken = await unlessAbsent(readFile(aside, 'utf8'));
  if (taken !== undefined && taken !== text) await link(aside, path).catch(() => undefined);
  await unlessAbsent(unlink(aside));
}

function heldBy(who: string, directory: string): LarderError {
  return new LarderError('LEASE_HELD', `${who} on ${directory}`, {
    hint: 'One receiver for a cluster is enough; stop that one first.',
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export async function unlessAbsent<T>(pending: Promise<T>): Promise<T | undefined> {
  try {
    return await pending;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
