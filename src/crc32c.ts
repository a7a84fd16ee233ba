import { crc32c as nativeCrc32c } from '@node-rs/crc32';

/** CRC-32C (Castagnoli), the checksum PostgreSQL uses for WAL, control file and, by default, backup manifests. */
export function crc32c(bytes: Uint8Array): number {
  return nativeCrc32c(bytes) >>> 0;
}

const POLYNOMIAL = 0x82f63b78; // 0x1EDC6F41 with its bits reversed

/** Product of two polynomials modulo the CRC's own, both bit-reversed (zlib's multmodp). */
function multiply(a: number, b: number): number {
  let factor = b;
  let product = 0;
  for (let mask = 0x80000000; mask !== 0; mask >>>= 1) {
    if ((a & mask) !== 0) product ^= factor;
    factor = (factor & 1) !== 0 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1;
  }
  return product >>> 0;
}

/** x^(2^k) for k = 0…66: enough to shift by any number of bytes below 2^63. */
const POWERS = ((): readonly number[] => {
  const powers = [0x40000000]; // x^1
  for (let k = 1; k < 67; k++) {
    const previous = powers[k - 1] ?? 0;
    powers.push(multiply(previous, previous));
  }
  return powers;
})();

/**
 * What a checksum of some bytes contributes to that of a longer text in which `bytesAfter` more bytes follow them. The
 * checksum of a whole is the exclusive-or of the shifted checksums of its parts, so parts can be hashed anywhere, in any
 * order (Mark Adler's crc32_combine).
 */
export function shiftCrc32c(crc: number, bytesAfter: number): number {
  let shifted = crc;
  let remaining = bytesAfter;
  for (let k = 3; remaining > 0; k++) {
    if (remaining % 2 === 1) shifted = multiply(POWERS[k] ?? 0, shifted);
    remaining = Math.floor(remaining / 2);
  }
  return shifted;
}

/** The checksum of some bytes with that many zeros behind them. */
export function withZeros(crc: number, zeros: number): number {
  // a checksum begins and ends with all bits inverted: that of zeros alone is what becomes of these
  const ofZeros = shiftCrc32c(0xffffffff, zeros) ^ 0xffffffff;
  return (shiftCrc32c(crc, zeros) ^ ofZeros) >>> 0;
}

/** As PostgreSQL's manifests print it: the four bytes in memory order of a little-endian machine, in hexadecimal. */
export function crc32cHex(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(crc);
  return bytes.toString('hex');
}

/** Reads what `crc32cHex` prints; `undefined` for anything else. */
export function parseCrc32cHex(text: string): number | undefined {
  return /^[0-9a-f]{8}$/.test(text) ? Buffer.from(text, 'hex').readUInt32LE(0) : undefined;
}
