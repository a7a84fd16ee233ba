const PAGE = 65536;

/** Node has it; TypeScript's own types know it only among a browser's. */
declare const WebAssembly: {
  readonly Memory: new (pages: { initial: number; maximum: number; shared: true }) => {
    readonly buffer: SharedArrayBuffer;
  };
};

/**
 * At least so many bytes, for O_DIRECT: the memory of a WebAssembly module is aligned to pages, which nothing else in
 * JavaScript promises.
 */
export function alignedBuffer(bytes: number): Buffer {
  const pages = Math.ceil(bytes / PAGE);
  return Buffer.from(new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }).buffer);
}
