import { ByteWriter } from '../manifest/byte-codec.ts';
import type { FramedObjectWriter } from './framed-object.ts';

/** Adds a record to an object that is a stream of records, each with its length (varint) before it. */
export async function writeRecord(object: FramedObjectWriter, record: Uint8Array): Promise<void> {
  await object.write(new ByteWriter().varint(record.length).take());
  await object.write(record);
}

/** Hands out all whole records; returns the bytes of the one that is not whole yet. */
export function splitRecords(bytes: Buffer, onRecord: (record: Buffer) => void): Buffer {
  let position = 0;
  for (;;) {
    const length = readLength(bytes, position);
    if (length === undefined || length.end + length.value > bytes.length) return bytes.subarray(position);
    onRecord(bytes.subarray(length.end, length.end + length.value));
    position = length.end + length.value;
  }
}

/** A record's length; `undefined` while its bytes are not all there. */
function readLength(bytes: Buffer, start: number): { value: number; end: number } | undefined {
  let value = 0;
  let factor = 1;
  for (let position = start; position < bytes.length && position < start + 5; position++) {
    const byte = bytes.readUInt8(position);
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, end: position + 1 };
    factor *= 0x80;
  }
  return undefined;
}
