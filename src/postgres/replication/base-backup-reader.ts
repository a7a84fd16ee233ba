import { LarderError } from '../../errors.ts';
import { parseLsn, type Lsn } from '../lsn.ts';
import { readCommandTag, readDataRow, readServerMessage, type ServerMessage } from './message-bodies.ts';
import type { MessageSink, MessageType } from './messages.ts';

/** A place in the log, and the timeline it lies on. */
export interface WalPosition {
  readonly lsn: Lsn;
  readonly timeline: number;
}

/** One row of BASE_BACKUP's second result. */
export interface TablespaceRow {
  readonly oid: number;
  /** Absolute path on the server; relative (`pg_tblspc/<oid>`) for an in-place tablespace. */
  readonly location: string;
  /** The server's estimate in bytes, when PROGRESS was asked for. */
  readonly size: number | undefined;
}

/** What a BASE_BACKUP stream holds, in the order in which it comes. Bytes are only valid during the call. */
export interface BaseBackupSink {
  started(
    start: WalPosition,
    tablespaces: readonly TablespaceRow[],
    estimatedBytes: number | undefined,
  ): void;
  /** `name` is `base.tar` or `<oid>.tar`; `location` is empty for base.tar. */
  archiveStart(name: string, location: string): void;
  archiveBytes(buffer: Buffer, start: number, end: number): void;
  manifestStart(): void;
  manifestBytes(buffer: Buffer, start: number, end: number): void;
  notice(message: ServerMessage): void;
  /** ReadyForQuery: nothing more comes. Only `outcome` tells whether it was a success. */
  ended(outcome: BaseBackupOutcome): void;
}

export interface BaseBackupOutcome {
  /** Present only when the server ended the COPY and sent the stop position. */
  readonly stop: WalPosition | undefined;
  /** Whether CommandComplete `BASE_BACKUP` came: the only sign of success. */
  readonly completed: boolean;
  readonly error: ServerMessage | undefined;
}

type Phase = 'start' | 'tablespaces' | 'copy' | 'stop' | 'complete';

/** Kinds of CopyData inside the one COPY of a base backup (protocol.sgml, BASE_BACKUP, since 15). */
const KIND = { archive: 0x6e, data: 0x64, progress: 0x70, manifest: 0x6d } as const;
/** Of a CopyData message that is not content: it is collected. */
const LONGEST_SMALL_MESSAGE = 64 * 1024;

/**
 * Follows the message order of BASE_BACKUP on servers 15 and later (reference: postgres-backup-protocol.md, section 2).
 * Success is never the absence of an error: a page checksum failure arrives after the manifest and after the stop
 * position, in place of the last CommandComplete.
 */
export class BaseBackupReader implements MessageSink {
  readonly #sink: BaseBackupSink;
  #phase: Phase = 'start';
  #row: WalPosition | undefined;
  #start: WalPosition | undefined;
  #stop: WalPosition | undefined;
  #tablespaces: TablespaceRow[] = [];
  #estimatedKilobytes = 0;
  #completed = false;
  #error: ServerMessage | undefined;
  #kind: number | undefined;
  #length = 0;
  #inManifest = false;
  #small: Buffer[] = [];

  constructor(sink: BaseBackupSink) {
    this.#sink = sink;
  }

  /** The server's ErrorResponse, if one came; it may close the connection right behind it. */
  get error(): ServerMessage | undefined {
    return this.#error;
  }

  copyStart(length: number): void {
    if (this.#phase !== 'copy' || length === 0) throw this.#unexpected('copyData');
    this.#kind = undefined;
    this.#length = length;
    this.#small = [];
  }

  copyBytes(buffer: Buffer, start: number, end: number): void {
    let from = start;
    if (this.#kind === undefined) {
      this.#kind = buffer.readUInt8(from);
      from += 1;
    }
    if (this.#kind !== KIND.data) this.#collect(buffer, from, end);
    else if (this.#inManifest) this.#sink.manifestBytes(buffer, from, end);
    else this.#sink.archiveBytes(buffer, from, end);
  }

  copyEnd(): void {
    if (this.#kind === KIND.archive) this.#beginArchive(Buffer.concat(this.#small));
    else if (this.#kind === KIND.manifest) {
      this.#inManifest = true;
      this.#sink.manifestStart();
    } else if (this.#kind !== KIND.data && this.#kind !== KIND.progress) throw this.#unexpected('copyData');
  }

  message(type: MessageType, body: Buffer): void {
    switch (type) {
      case 'rowDescription':
      case 'parameterStatus':
      case 'notification':
        return;
      case 'dataRow':
        return this.#dataRow(readDataRow(body));
      case 'commandComplete':
        return this.#commandComplete(readCommandTag(body));
      case 'copyOutResponse':
        return this.#expect('copy', type);
      case 'copyDone':
        this.#expect('copy', type);
        this.#phase = 'stop';
        this.#row = undefined;
        return;
      case 'notice':
        return this.#sink.notice(readServerMessage(body));
      case 'error':
        this.#error ??= readServerMessage(body);
        return;
      case 'readyForQuery':
        return this.#sink.ended({ stop: this.#stop, completed: this.#completed, error: this.#error });
      default:
        throw this.#unexpected(type);
    }
  }

  #collect(buffer: Buffer, start: number, end: number): void {
    if (this.#length > LONGEST_SMALL_MESSAGE) throw this.#unexpected('copyData');
    this.#small.push(Buffer.from(buffer.subarray(start, end)));
  }

  /** 'n': archive name and tablespace location, both zero-terminated. */
  #beginArchive(body: Buffer): void {
    const nameEnd = body.indexOf(0);
    const locationEnd = body.indexOf(0, nameEnd + 1);
    if (nameEnd < 0 || locationEnd < 0 || this.#inManifest) throw this.#unexpected('copyData');
    this.#sink.archiveStart(
      body.toString('utf8', 0, nameEnd),
      body.toString('utf8', nameEnd + 1, locationEnd),
    );
  }

  #dataRow(columns: readonly (string | null)[]): void {
    if (this.#phase === 'tablespaces') this.#tablespaceRow(columns);
    else {
      const lsn = parseLsn(columns[0] ?? '');
      const timeline = Number(columns[1]);
      if (lsn === undefined || !Number.isInteger(timeline) || timeline < 1) throw this.#unexpected('dataRow');
      this.#row = { lsn, timeline };
    }
  }

  /** spcoid, spclocation, size in kilobytes; the row of NULLs is the data directory itself. */
  #tablespaceRow([oid, location, kilobytes]: readonly (string | null)[]): void {
    const size = kilobytes === null || kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
    this.#estimatedKilobytes += (size ?? 0) / 1024;
    if (oid !== null && oid !== undefined)
      this.#tablespaces.push({ oid: Number(oid), location: location ?? '', size });
  }

  #commandComplete(tag: string): void {
    switch (this.#phase) {
      case 'start':
        this.#start = this.#row;
        this.#phase = 'tablespaces';
        return;
      case 'tablespaces':
        if (this.#start === undefined) throw this.#unexpected('commandComplete');
        this.#phase = 'copy';
        this.#sink.started(
          this.#start,
          this.#tablespaces,
          this.#estimatedKilobytes === 0 ? undefined : this.#estimatedKilobytes * 1024,
        );
        return;
      case 'stop':
        this.#stop = this.#row;
        this.#phase = 'complete';
        return;
      case 'complete':
        this.#completed = tag === 'BASE_BACKUP';
        return;
      case 'copy':
        throw this.#unexpected('commandComplete');
    }
  }

  #expect(phase: Phase, type: MessageType): void {
    if (this.#phase !== phase) throw this.#unexpected(type);
  }

  #unexpected(type: MessageType): LarderError {
    return new LarderError(
      'PROTOCOL_VIOLATION',
      `the server sent ${type} while the base backup was at "${this.#phase}"`,
    );
  }
}
