/** A position in the write-ahead log: bytes since its beginning, 64 bits. */
export type Lsn = bigint;

const LSN = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i;

/**
 * Reads `16/B374D848`. Servers up to 18 print both halves without leading zeros, 19 pads the second: both are read.
 * Returns `undefined` for anything else.
 */
export function parseLsn(text: string): Lsn | undefined {
  const match = LSN.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`);
}

/** `16/B374D848`, as servers 15 to 18 print it. */
export function formatLsn(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffffffffn).toString(16).toUpperCase()}`;
}
