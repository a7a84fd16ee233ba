import { crc32c } from '../crc32c.ts';
import { LARGEST_PAGE } from './wal-page-header.ts';
import { RECORD_HEADER_LENGTH } from './wal-record.ts';

const CHECKSUM_AT = 20;

/**
 * Checks the checksums of records. The data come first in them, then the header up to the checksum: the bytes are put in
 * that order, which costs less than two calls out of JavaScript for every record.
 */
export class WalRecordChecksum {
  readonly #ordered = Buffer.allocUnsafe(LARGEST_PAGE);

  /** Whether the record of `length` bytes at `offset` is what was written; it lies in one page. */
  matches(bytes: Buffer, offset: number, length: number): boolean {
    const data = length - RECORD_HEADER_LENGTH;
    bytes.copy(this.#ordered, 0, offset + RECORD_HEADER_LENGTH, offset + length);
    copyWords(bytes, offset, this.#ordered, data);
    return crc32c(this.#ordered.subarray(0, data + CHECKSUM_AT)) === bytes.readUInt32LE(offset + CHECKSUM_AT);
  }

  /** The same for a record of any length at the beginning of a buffer that has room for another header behind it. */
  matchesInPlace(bytes: Buffer, length: number): boolean {
    copyWords(bytes, 0, bytes, length);
    return (
      crc32c(bytes.subarray(RECORD_HEADER_LENGTH, length + CHECKSUM_AT)) === bytes.readUInt32LE(CHECKSUM_AT)
    );
  }
}

function copyWords(from: Buffer, offset: number, to: Buffer, at: number): void {
  for (let i = 0; i < CHECKSUM_AT; i += 4) to.writeUInt32LE(from.readUInt32LE(offset + i), at + i);
}
