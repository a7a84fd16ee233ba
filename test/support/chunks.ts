import fc from 'fast-check';

/** How a stream may be cut: the lengths of its pieces, used in turn. */
export const chunkSizes = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 20 }) },
    fc.integer({ min: 1, max: 1500 }),
    fc.integer({ min: 1, max: 200_000 }),
  ),
  { minLength: 1, maxLength: 12 },
);

/**
 * Gives bytes out in pieces of these sizes, each from one buffer that is used again and again like the socket's: whoever
 * keeps a reference instead of a copy finds other bytes there.
 */
export function pushChunks(
  bytes: Uint8Array,
  sizes: readonly number[],
  push: (buffer: Buffer, start: number, end: number) => void,
): void {
  const buffer = Buffer.alloc(Math.max(...sizes) + 7);
  let turn = 0;
  for (let position = 0; position < bytes.length; turn++) {
    const piece = bytes.subarray(position, position + (sizes[turn % sizes.length] ?? 1));
    const start = turn % 7;
    buffer.fill(0xaa);
    buffer.set(piece, start);
    push(buffer, start, start + piece.length);
    buffer.fill(0x55);
    position += piece.length;
  }
}
