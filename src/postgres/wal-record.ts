import type { Lsn } from './lsn.ts';

/**
 * The header of a record (XLogRecord): u32 length of the whole record, u32 transaction, u64 start of the record before, u8
 * info, u8 resource manager, 2 bytes of padding, u32 CRC-32C of what is behind the header and then of the header up to here.
 */
export const RECORD_HEADER_LENGTH = 24;

/** No server reads a longer record: MaxAllocSize, since 16 XLogRecordMaxSize of 1020 MiB. */
export const LONGEST_RECORD = 1024 * 1024 * 1024 - 1;

/** RM_XLOG_ID: checkpoints, switches, restore points. */
export const XLOG_MANAGER = 0;
/** RM_XACT_ID: the ends of transactions. */
export const TRANSACTION_MANAGER = 1;

/** The bits of `info` that belong to the resource manager; the others are the record format's own. */
const INFO_OF_MANAGER = 0xf0;

/** Whether a record is of this kind: an operation of one resource manager. */
export function isKind(
  { resourceManager, info }: Pick<WalRecord, 'resourceManager' | 'info'>,
  manager: number,
  operation: number,
): boolean {
  return resourceManager === manager && (info & INFO_OF_MANAGER) === operation;
}

const XLOG_SWITCH = 0x40;

/** One record of the write-ahead log. */
export interface WalRecord {
  /** Position of the record's first byte. */
  readonly start: Lsn;
  /** Position of the first byte behind it, aligned to 8: what the server calls its end. */
  readonly end: Lsn;
  readonly resourceManager: number;
  readonly info: number;
  /** Transaction that wrote it, 0 for none; without the epoch. */
  readonly transaction: number;
  /** The whole record without page headers, its own header first. Valid only until the next one is read. */
  readonly bytes: Buffer;
}

/** A place in the log: the address of a page and an offset in it. Spares a bigint where nobody asks for the position. */
export interface WalPlace {
  readonly page: Lsn;
  readonly at: number;
}

/** A record whose positions and bytes are made only when somebody asks for them: most records are passed over. */
export class ReadRecord implements WalRecord {
  readonly resourceManager: number;
  readonly info: number;
  readonly transaction: number;
  readonly #startPage: Lsn;
  readonly #startAt: number;
  readonly #endPage: Lsn;
  readonly #endAt: number;
  readonly #source: Buffer;
  readonly #offset: number;
  readonly #length: number;

  /** @param offset where the record begins in `source` */
  constructor(source: Buffer, offset: number, start: WalPlace, end: WalPlace) {
    this.#source = source;
    this.#offset = offset;
    this.#length = source.readUInt32LE(offset);
    this.transaction = source.readUInt32LE(offset + 4);
    this.info = source.readUInt8(offset + 16);
    this.resourceManager = source.readUInt8(offset + 17);
    this.#startPage = start.page;
    this.#startAt = start.at;
    this.#endPage = end.page;
    this.#endAt = end.at;
  }

  get start(): Lsn {
    return this.#startPage + BigInt(this.#startAt);
  }

  get end(): Lsn {
    return this.#endPage + BigInt(this.#endAt);
  }

  get bytes(): Buffer {
    return this.#source.subarray(this.#offset, this.#offset + this.#length);
  }

  /** Whether nothing follows in its segment. */
  get endsSegment(): boolean {
    return isKind(this, XLOG_MANAGER, XLOG_SWITCH);
  }
}
