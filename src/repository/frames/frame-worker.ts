import { parentPort, workerData } from 'node:worker_threads';
import { crc32c } from '../../crc32c.ts';
import { openStore } from '../../storage/open-store.ts';
import { errorToMessage } from '../../worker-thread.ts';
import { packName } from '../layout.ts';
import type {
  FrameRequest,
  FrameWorkerAnswer,
  FrameWorkerData,
  FrameWorkerRequest,
} from './frame-messages.ts';
import { PackWriter } from './pack-writer.ts';

/** A thread that compresses, hashes and stores frames; the thread that reads the source does nothing else. */
const data = workerData as FrameWorkerData;
const slabs = data.slabs.map((slab) => Buffer.from(slab));
const packCounter = new Int32Array(data.packCounter);
let backupId = '';
const packs = new PackWriter({
  store: openStore(data.location),
  nextNumber: () => Atomics.add(packCounter, 0, 1) + 1,
  nameOf: (number) => packName(backupId, number),
  level: data.level,
});

function answer(message: FrameWorkerAnswer): void {
  parentPort?.postMessage(message);
}

function pieceChecksums(content: Buffer, pieces: readonly number[]): number[] {
  let position = 0;
  return pieces.map((length) => crc32c(content.subarray(position, (position += length))));
}

async function storeFrame(request: FrameRequest): Promise<void> {
  const content = slabs[request.slab]?.subarray(0, request.length) ?? Buffer.alloc(0);
  const checksums = pieceChecksums(content, request.pieces);
  answer({ kind: 'frame', slab: request.slab, reference: await packs.add(content), checksums });
}

async function serve(request: FrameWorkerRequest): Promise<void> {
  switch (request.kind) {
    case 'begin':
      backupId = request.backupId;
      return;
    case 'frame':
      return storeFrame(request);
    case 'finish':
      answer({ kind: 'finished', packs: await packs.finish() });
      return;
    case 'abort':
      await packs.abort().finally(() => answer({ kind: 'aborted' }));
      return;
  }
}

// one request after the other, also where one has to wait for the store
let last: Promise<void> = Promise.resolve();
parentPort?.on('message', (request: FrameWorkerRequest) => {
  last = last
    .then(() => serve(request))
    .catch((error: unknown) => answer({ kind: 'failed', error: errorToMessage(error) }));
});
