/** XLOG_BLCKSZ of every build that is not made by hand; a segment's long header tells it. */
export const WAL_PAGE_LENGTH = 8192;

/**
 * The offset of the first page that is not the page of its place: another magic number than the segment's first page, or
 * another address. Pages of zeros are fine: behind a switch of segments nothing was written.
 * @param bytes whole pages
 * @param position of the first byte in the log
 * @returns `undefined` when every page is in its place
 */
export function findMisplacedPage(bytes: Buffer, position: bigint, magic: number): number | undefined {
  for (let offset = 0; offset + WAL_PAGE_LENGTH <= bytes.length; offset += WAL_PAGE_LENGTH) {
    const found = bytes.readUInt16LE(offset);
    if (found === magic && bytes.readBigUInt64LE(offset + 8) === position + BigInt(offset)) continue;
    if (found === 0 && isZero(bytes.subarray(offset, offset + WAL_PAGE_LENGTH))) continue;
    return offset;
  }
  return undefined;
}

const ZERO_PAGE = Buffer.alloc(WAL_PAGE_LENGTH);

function isZero(page: Buffer): boolean {
  return page.equals(ZERO_PAGE);
}
