import { parentPort, workerData } from 'node:worker_threads';
import { crc32c, shiftCrc32c } from '../../crc32c.ts';
import { LarderError } from '../../errors.ts';
import { hashUnits, UNIT, unitsOf } from '../../repository/block-hashes.ts';
import { openStore } from '../../storage/open-store.ts';
import { errorToMessage } from '../../worker-thread.ts';
import type {
  CompareAnswer,
  ComparedPart,
  ComparePart,
  CompareRequest,
  CompareWorkerData,
} from './compare-messages.ts';
import { CopyReader } from './copy-reader.ts';
import { differingRuns, type UnitRun } from './differing-units.ts';
import { hashRanges } from './hash-ranges.ts';

/** A thread that reads files of a copy and compares their units with the hashes that the backup has of them. */
const data = workerData as CompareWorkerData;
const store = openStore(data.location);
const reader = new CopyReader(data.partLimit);

/** The hashes of every part; undefined where they are lost. A store that does not answer is an error. */
async function wantedHashes(parts: readonly ComparePart[]): Promise<(Buffer | undefined)[]> {
  const wanted: (Buffer | undefined)[] = [];
  for (const { object, offset, length, places } of hashRanges(parts)) {
    const bytes = Buffer.allocUnsafe(length);
    const found = await readHashes(object, offset, bytes);
    for (const { start, end } of places) wanted.push(found ? bytes.subarray(start, end) : undefined);
  }
  return wanted;
}

async function readHashes(object: string, offset: number, bytes: Buffer): Promise<boolean> {
  try {
    await store.readInto(object, offset, bytes);
    return true;
  } catch (error) {
    if (error instanceof LarderError && ['OBJECT_MISSING', 'OBJECT_DAMAGED'].includes(error.code))
      return false;
    throw error;
  }
}

function compare(part: ComparePart, bytes: Buffer, wanted: Buffer | undefined): ComparedPart {
  const { file, fileOffset, length } = part;
  if (wanted === undefined)
    return { file, fileOffset, length, differing: undefined, equalBytes: 0, checksum: 0 };
  const runs = differingRuns(hashUnits(bytes), wanted);
  const first = fileOffset / UNIT;
  const differing = runs.map(([unit, count]): UnitRun => [first + unit, count]);
  return { file, fileOffset, length, differing, ...equalPart(bytes, runs) };
}

/** The length and the checksum's share of what does not differ. */
function equalPart(bytes: Buffer, differing: readonly UnitRun[]): { equalBytes: number; checksum: number } {
  let [equalBytes, checksum, start] = [0, 0, 0];
  for (const [unit, count] of [...differing, [unitsOf(bytes.length), 0] as const]) {
    const end = Math.min(unit * UNIT, bytes.length);
    if (end > start) {
      checksum ^= shiftCrc32c(crc32c(bytes.subarray(start, end)), bytes.length - end);
      equalBytes += end - start;
    }
    start = Math.min((unit + count) * UNIT, bytes.length);
  }
  return { equalBytes, checksum: checksum >>> 0 };
}

async function serve({ parts }: CompareRequest): Promise<CompareAnswer> {
  try {
    const wanted = await wantedHashes(parts);
    const compared: ComparedPart[] = [];
    for await (const bytes of reader.read(parts)) {
      const i = compared.length;
      const part = parts[i];
      if (part !== undefined) compared.push(compare(part, bytes, wanted[i]));
    }
    return { parts: compared, failure: undefined };
  } catch (error) {
    return { parts: [], failure: errorToMessage(error) };
  }
}

parentPort?.on('message', (request: CompareRequest) => {
  void serve(request).then((answer) => parentPort?.postMessage(answer));
});
