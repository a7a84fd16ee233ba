import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { systemErrorCode } from '../../src/errors.ts';
import type { Background } from '../background.ts';
import type { WalReceiver } from './receiver.ts';

const PATIENCE = 300_000;
const LOOK_INTERVAL = 50;

/** Those of the segments that the receiver does not have yet under their own names. */
export async function notStored(receiver: WalReceiver, names: ReadonlySet<string>): Promise<Set<string>> {
  return names.difference(new Set(await namesIn(await receiver.segmentDirectory())));
}

/** Waits for all of them. Throws when the receiver ends, or after five minutes. */
export async function untilStored(
  receiver: WalReceiver,
  background: Background,
  names: ReadonlySet<string>,
): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    await background.assertRunning();
    const missing = await notStored(receiver, names);
    if (missing.size === 0) return;
    if (performance.now() > deadline)
      throw new Error(`${receiver.name} does not store ${[...missing].join()}`);
    await delay(LOOK_INTERVAL);
  }
}

/** Nothing while the directory is still to be made. */
async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
