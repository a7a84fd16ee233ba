/** A page of a relation (bufpage.h). */
export const PAGE_BYTES = 8192;

const SUMS = 32;
const ROWS = PAGE_BYTES / 4 / SUMS;
const PRIME = 16_777_619;

/** storage/checksum_impl.h, checksumBaseOffsets. */
const BASE_OFFSETS = Int32Array.from([
  0x5b1f36e9, 0xb8525960, 0x02ab50aa, 0x1de66d2a, 0x79ff467a, 0x9bb9f8a3, 0x217e7cd2, 0x83e13d2c, 0xf8d4474f,
  0xe39eb970, 0x42c6ae16, 0x993216fa, 0x7b093b5d, 0x98daff3c, 0xf718902a, 0x0b1c9cdb, 0xe58f764b, 0x187636bc,
  0x5d7b3bb1, 0xe73de7de, 0x92bec979, 0xcca6c0b2, 0x304a0979, 0x85aa43d4, 0x783125bb, 0x6ca8eaa2, 0xe407eac6,
  0x4b5cfc3e, 0x9fbf8c76, 0x15ca20be, 0xf2ca9fd3, 0x959bd756,
]);

const sums = new Int32Array(SUMS);

/** What is wrong with a page as it lies in its file. */
export type PageProblem = 'header' | 'checksum';

/** Offsets in the page header, bytes; the checksum is half of the third word. */
const [CHECKSUM, FLAGS, LOWER, UPPER, SPECIAL] = [8, 10, 12, 14, 16];
const CHECKSUM_WORD = CHECKSUM / 4;
const KNOWN_FLAGS = 0x0007;

/**
 * Looks at a page as the server does when it reads one (PageIsVerified): its header, and its checksum where the cluster has
 * them. A page of zeros is one that was never written.
 * @param page 8 KiB, aligned to 4 bytes
 * @param block its number within the relation, over all of its files
 */
export function pageProblem(page: Buffer, block: number, checksums: boolean): PageProblem | undefined {
  const upper = page.readUInt16LE(UPPER);
  if (upper === 0) return isZero(page) ? undefined : 'header';
  if (!hasSoundHeader(page, upper)) return 'header';
  if (!checksums) return undefined;
  return page.readUInt16LE(CHECKSUM) === pageChecksum(page, block) ? undefined : 'checksum';
}

function hasSoundHeader(page: Buffer, upper: number): boolean {
  const [lower, special] = [page.readUInt16LE(LOWER), page.readUInt16LE(SPECIAL)];
  const known = (page.readUInt16LE(FLAGS) & ~KNOWN_FLAGS) === 0;
  return known && lower <= upper && upper <= special && special <= PAGE_BYTES && special % 8 === 0;
}

function isZero(page: Buffer): boolean {
  return page.every((byte) => byte === 0);
}

/** The checksum that PostgreSQL gives a page (pg_checksum_page): 32 FNV-1a sums side by side, folded into 16 bits. */
export function pageChecksum(page: Buffer, block: number): number {
  const words = new Int32Array(page.buffer, page.byteOffset, PAGE_BYTES / 4);
  sums.set(BASE_OFFSETS);
  for (let row = 0; row < ROWS; row++) {
    for (let at = 0; at < SUMS; at++) {
      const index = row * SUMS + at;
      // its own field counts as zero
      const word = index === CHECKSUM_WORD ? (words[index] ?? 0) & 0xffff0000 : (words[index] ?? 0);
      sums[at] = mix(sums[at] ?? 0, word);
    }
  }
  let result = block | 0;
  for (let at = 0; at < SUMS; at++) result ^= mix(mix(sums[at] ?? 0, 0), 0);
  return ((result >>> 0) % 65_535) + 1;
}

function mix(sum: number, word: number): number {
  const mixed = sum ^ word;
  return Math.imul(mixed, PRIME) ^ (mixed >>> 17);
}
