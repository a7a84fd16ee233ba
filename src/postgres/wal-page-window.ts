import { LARGEST_PAGE } from './wal-page-header.ts';

const NOTHING = Buffer.alloc(0);

/**
 * The one page of a stream of pages that is being read. While a whole page lies in the piece that was offered it is seen
 * there; only a page that comes in several pieces is copied.
 */
export class WalPageWindow {
  /** The page's bytes begin at `offset` in here. */
  bytes: Buffer = NOTHING;
  offset = 0;
  /** How many bytes of the page have come, never more than `length`. */
  filled = 0;
  /** Bytes of a page. May grow while the page is read: how long it is stands in its header. */
  length: number;
  #piece: Buffer = NOTHING;
  /** How much of the piece was taken. */
  #taken = 0;
  #copy: Buffer | undefined;

  constructor(length: number) {
    this.length = length;
  }

  /** Offers the next bytes of the stream; those offered before must have been loaded and kept. */
  offer(piece: Buffer): void {
    this.#piece = piece;
    this.#taken = 0;
    if (this.filled > 0) return;
    this.bytes = piece;
    this.offset = 0;
  }

  /** Begins the next page, after all of this one. */
  turn(): void {
    this.bytes = this.#piece;
    this.offset = this.#taken;
    this.filled = 0;
  }

  /** Takes bytes that the page lacks from the piece; false when there are none. */
  load(): boolean {
    const added = Math.min(this.length - this.filled, this.#piece.length - this.#taken);
    if (this.bytes === this.#copy)
      this.#piece.copy(this.#copy, this.filled, this.#taken, this.#taken + added);
    this.filled += added;
    this.#taken += added;
    return added > 0;
  }

  /** Copies what has come of the page: the piece goes back to its owner. */
  keep(): void {
    if (this.bytes !== this.#copy) {
      this.#copy ??= Buffer.allocUnsafe(LARGEST_PAGE);
      this.bytes.copy(this.#copy, 0, this.offset, this.offset + this.filled);
      this.bytes = this.#copy;
      this.offset = 0;
    }
    this.#piece = NOTHING;
    this.#taken = 0;
  }
}
