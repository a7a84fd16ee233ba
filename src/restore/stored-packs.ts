import { LarderError } from '../errors.ts';
import { FRAME_HEADER_LENGTH } from '../repository/frames/frame.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { FrameWork } from './pieces.ts';

/**
 * Asks for every pack that a restore will read, of every backup of the chain: one that is missing or cut short is named before
 * anything is written.
 * @throws LarderError OBJECT_MISSING, OBJECT_DAMAGED, the store's errors
 */
export async function assertPacksStored(store: ObjectStore, work: readonly FrameWork[]): Promise<void> {
  const ends = new Map<string, number>();
  for (const { pack, frame } of work) {
    const end = frame.offset + FRAME_HEADER_LENGTH + frame.storedLength;
    ends.set(pack, Math.max(end, ends.get(pack) ?? 0));
  }
  for (const [pack, end] of ends) {
    const found = await store.stat(pack);
    if (found === undefined) throw problem('OBJECT_MISSING', `${pack} is missing from ${store.description}`);
    if (found.size < end)
      throw problem('OBJECT_DAMAGED', `${pack} has ${found.size} bytes, and ${end} are needed`);
  }
}

function problem(code: 'OBJECT_MISSING' | 'OBJECT_DAMAGED', message: string): LarderError {
  return new LarderError(code, message, {
    hint: 'Bring it back from a copy, or restore another backup: "larder list". An incremental one needs the packs of its whole chain.',
  });
}
