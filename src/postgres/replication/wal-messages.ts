import type { Lsn } from '../lsn.ts';

/**
 * The messages inside the CopyData of START_REPLICATION ... PHYSICAL (protocol.sgml, "Streaming Replication Protocol").
 * All integers are big-endian; times are microseconds since 2000-01-01 UTC.
 */
const EPOCH_2000_MS = 946_684_800_000;

/** 'w' and its header: start of the data, the server's end of WAL, the server's clock. The data follows. */
export const WAL_DATA_HEADER_LENGTH = 25;
/** 'k': end of WAL sent, the server's clock, whether an answer is wanted at once. */
export const KEEPALIVE_LENGTH = 18;

/** A whole CopyDone message: our side of the copy is over. */
export const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4]);

export interface WalDataHeader {
  readonly start: Lsn;
  /** How far the server's own log is flushed. */
  readonly serverEnd: Lsn;
}

export interface Keepalive {
  /** How far the server has *sent*: not how far it has written, so no measure of lag. */
  readonly sentEnd: Lsn;
  readonly replyRequested: boolean;
}

/** @param bytes at least the header, its type byte first */
export function readWalDataHeader(bytes: Buffer): WalDataHeader {
  return { start: bytes.readBigUInt64BE(1), serverEnd: bytes.readBigUInt64BE(9) };
}

export function readKeepalive(bytes: Buffer): Keepalive {
  return { sentEnd: bytes.readBigUInt64BE(1), replyRequested: bytes.readUInt8(17) === 1 };
}

/** What the receiver tells the server: each position is that of the last byte, plus one. */
export interface StandbyStatus {
  readonly written: Lsn;
  /** Durable. The server may remove everything before it, and lets commits up to it return. Never say more than is true. */
  readonly flushed: Lsn;
  /** Milliseconds since 1970 UTC. */
  readonly now: number;
  readonly replyRequested: boolean;
}

/** A whole CopyData message holding 'r': written, flushed, applied (always 0: nothing is replayed here), clock, flag. */
export function encodeStandbyStatus(status: StandbyStatus): Buffer {
  const message = Buffer.alloc(5 + 34);
  message.writeUInt8(0x64, 0);
  message.writeInt32BE(4 + 34, 1);
  message.writeUInt8(0x72, 5);
  message.writeBigUInt64BE(status.written, 6);
  message.writeBigUInt64BE(status.flushed, 14);
  message.writeBigInt64BE(BigInt(Math.round((status.now - EPOCH_2000_MS) * 1000)), 30);
  message.writeUInt8(status.replyRequested ? 1 : 0, 38);
  return message;
}
