import { workerData } from 'node:worker_threads';
import { crc32c } from '../../crc32c.ts';
import { LarderError } from '../../errors.ts';
import { HASH_LENGTH, hashUnits } from '../../repository/block-hashes.ts';
import { openStore } from '../../storage/open-store.ts';
import { serveTasks } from '../../task-worker.ts';
import { changedUnits } from './changed-units.ts';
import type { ComparedPiece, CompareResult, CompareTask, CompareWorkerData } from './compare-messages.ts';

/** A thread that hashes units and compares them with what an earlier backup knows. */
const data = workerData as CompareWorkerData;
const store = openStore(data.location);
const slabs = data.slabs.map((slab) => Buffer.from(slab));

type Piece = CompareTask['pieces'][number];

async function compare({ slab, pieces }: CompareTask): Promise<CompareResult> {
  const content = slabs[slab] ?? Buffer.alloc(0);
  const earlier = await Promise.all(pieces.map(readEarlier));
  let position = 0;
  return pieces.map((piece, i): ComparedPiece => {
    const bytes = content.subarray(position, (position += piece.length));
    const hashes = hashUnits(bytes);
    return { checksum: crc32c(bytes), hashes, changed: changedUnits(hashes, earlier[i]) };
  });
}

/** Hashes that are lost cost storage, not truth: their units count as changed. A store that does not answer is an error. */
async function readEarlier({ earlier }: Piece): Promise<Buffer | undefined> {
  if (earlier === undefined || earlier.units === 0) return undefined;
  const hashes = Buffer.allocUnsafe(earlier.units * HASH_LENGTH);
  try {
    await store.readInto(earlier.object, earlier.offset, hashes);
    return hashes;
  } catch (error) {
    const lost = error instanceof LarderError && ['OBJECT_MISSING', 'OBJECT_DAMAGED'].includes(error.code);
    if (lost) return undefined;
    throw error;
  }
}

serveTasks(compare);
