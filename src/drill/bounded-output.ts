/** Of what a program prints, so many bytes are kept: the last ones, where errors stand. */
const KEPT = 16 * 1024;

/** Gathers output of any length in bounded memory. */
export class BoundedOutput {
  #kept = Buffer.alloc(0);
  #bytes = 0;

  add(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#kept = Buffer.concat([this.#kept, chunk.subarray(-KEPT)]).subarray(-KEPT);
  }

  /** What was kept, with a word where something is missing before it. */
  get text(): string {
    const leftOut = this.#bytes - this.#kept.length;
    const text = this.#kept.toString('utf8');
    return leftOut === 0 ? text : `(${leftOut} bytes before this were not kept)\n${text}`;
  }
}
