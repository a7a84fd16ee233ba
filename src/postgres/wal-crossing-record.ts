import type { WalPlace } from './wal-record.ts';
import { LONGEST_RECORD, RECORD_HEADER_LENGTH } from './wal-record.ts';

const USUAL = 64 * 1024;

/** A record that crosses pages, put together from its parts. One buffer serves all of them. */
export class WalCrossingRecord {
  /** The record from its first byte on, with room for another header behind its last one. */
  bytes: Buffer = Buffer.allocUnsafe(USUAL);
  /** How much of it has come. */
  length = 0;
  /** Where it began; `undefined` when there is no such record. */
  start: WalPlace | undefined;

  begin(start: WalPlace): void {
    this.start = start;
    this.length = 0;
  }

  /** Forgets it: complete, or overwritten. */
  end(): void {
    this.start = undefined;
  }

  /** Adds the bytes from `from` to `to` of `source`. */
  append(source: Buffer, from: number, to: number): void {
    this.#reserve(this.length + to - from + RECORD_HEADER_LENGTH);
    source.copy(this.bytes, this.length, from, to);
    this.length += to - from;
  }

  /** Grows with what has come, not to what the record says of itself: that may be anything before it is checked. */
  #reserve(needed: number): void {
    if (needed <= this.bytes.length) return;
    const room = Math.min(Math.max(needed, this.bytes.length * 2), LONGEST_RECORD + RECORD_HEADER_LENGTH);
    const larger = Buffer.allocUnsafeSlow(room);
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}
