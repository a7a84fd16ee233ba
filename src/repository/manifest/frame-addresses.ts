import type { FrameReference } from '../frames/frame.ts';

/**
 * The contents of all frames of a manifest as one stretch of bytes, in the order of their numbers: an extent goes on from
 * frame to frame, so in addresses it is a plain range.
 */
export class FrameAddresses {
  /** Where each frame begins, and behind them where the last one ends. */
  readonly #begins: Float64Array;

  constructor(frames: readonly Pick<FrameReference, 'contentLength'>[]) {
    this.#begins = new Float64Array(frames.length + 1);
    frames.forEach(({ contentLength }, number) => {
      this.#begins[number + 1] = (this.#begins[number] ?? 0) + contentLength;
    });
  }

  of({ frame, frameOffset }: { readonly frame: number; readonly frameOffset: number }): number {
    return (this.#begins[frame] ?? 0) + frameOffset;
  }

  /** The frame that holds the byte of this address. */
  locate(address: number): { readonly frame: number; readonly frameOffset: number } {
    let low = 0;
    let high = this.#begins.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#begins[middle] ?? 0) <= address) low = middle;
      else high = middle;
    }
    return { frame: low, frameOffset: address - (this.#begins[low] ?? 0) };
  }
}
