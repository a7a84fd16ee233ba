import { LarderError } from '../../errors.ts';
import { pathFromBytes } from '../path-bytes.ts';

const BLOCK = 512;

export interface TarEntry {
  /** As the server wrote it (see path-bytes.ts), without the trailing slash of a directory; untrusted. */
  readonly name: string;
  readonly type: 'file' | 'directory' | 'symlink';
  /** Bytes of content; 0 for directories and links. */
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  /** Seconds since 1970. */
  readonly modified: number;
  /** Target of a symlink, else empty. */
  readonly link: string;
}

/** Content bytes are only valid during the call. */
export interface TarSink {
  entryStart(entry: TarEntry): void;
  entryBytes(buffer: Buffer, start: number, end: number): void;
  entryEnd(): void;
}

function damaged(what: string): LarderError {
  return new LarderError('PROTOCOL_VIOLATION', `the server sent a tar archive ${what}`);
}

function text(header: Buffer, offset: number, length: number): string {
  const end = header.indexOf(0, offset);
  return pathFromBytes(header.subarray(offset, end < 0 || end > offset + length ? offset + length : end));
}

/** Octal digits, or base-256 with the top bit of the first byte set: the form of sizes from 8 GiB on. */
export function readTarNumber(header: Buffer, offset: number, length: number): number {
  const first = header.readUInt8(offset);
  if ((first & 0x80) === 0) {
    const digits = text(header, offset, length).trim();
    if (!/^[0-7]*$/.test(digits)) throw damaged('with a number that is not octal');
    return digits === '' ? 0 : Number.parseInt(digits, 8);
  }
  let value = first & 0x7f;
  for (let i = 1; i < length; i++) value = value * 256 + header.readUInt8(offset + i);
  if (!Number.isSafeInteger(value)) throw damaged('with a size beyond 2^53');
  return value;
}

const TYPES = new Map<string, TarEntry['type']>([
  ['0', 'file'],
  ['\0', 'file'],
  ['5', 'directory'],
  ['2', 'symlink'],
]);

/** Decodes one ustar header block; `undefined` for a block of zeros, which ends the archive. */
export function decodeTarHeader(header: Buffer): TarEntry | undefined {
  if (header.every((byte) => byte === 0)) return undefined;
  let sum = 8 * 0x20; // the checksum field itself counts as blanks
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += header[i] ?? 0;
  if (sum !== readTarNumber(header, 148, 8)) throw damaged('whose header checksum is wrong');
  const type = TYPES.get(String.fromCharCode(header.readUInt8(156)));
  if (type === undefined)
    throw damaged(`with an entry of type ${header.readUInt8(156)}, which PostgreSQL never writes`);
  return {
    name: text(header, 0, 100).replace(/\/+$/, ''),
    type,
    size: type === 'file' ? readTarNumber(header, 124, 12) : 0,
    mode: readTarNumber(header, 100, 8) & 0o7777,
    modified: readTarNumber(header, 136, 12),
    link: type === 'symlink' ? text(header, 157, 100) : '',
  };
}

/** Cuts a stream of tar bytes into entries; content is passed on where it lies. One reader reads one archive. */
export class TarReader {
  readonly #sink: TarSink;
  readonly #header = Buffer.alloc(BLOCK);
  #headerFilled = 0;
  #content = 0;
  #padding = 0;
  #inEntry = false;
  #ended = false;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  push(buffer: Buffer, start: number, end: number): void {
    let position = start;
    while (position < end) {
      if (this.#content > 0) position = this.#readContent(buffer, position, end);
      else if (this.#padding > 0) {
        const taken = Math.min(this.#padding, end - position);
        this.#padding -= taken;
        position += taken;
      } else position = this.#readHeader(buffer, position, end);
    }
  }

  /** Call when no more bytes come: an archive must end between two entries, after a block of zeros. */
  finish(): void {
    if (this.#content > 0 || this.#padding > 0 || this.#headerFilled > 0 || !this.#ended) {
      throw damaged('that ends in the middle');
    }
  }

  #readHeader(buffer: Buffer, start: number, end: number): number {
    const taken = Math.min(BLOCK - this.#headerFilled, end - start);
    buffer.copy(this.#header, this.#headerFilled, start, start + taken);
    this.#headerFilled += taken;
    if (this.#headerFilled === BLOCK) this.#begin();
    return start + taken;
  }

  #begin(): void {
    this.#headerFilled = 0;
    const entry = decodeTarHeader(this.#header);
    if (entry === undefined) {
      this.#ended = true;
      return;
    }
    if (this.#ended) throw damaged('that goes on after its end');
    this.#content = entry.size;
    this.#padding = (BLOCK - (entry.size % BLOCK)) % BLOCK;
    this.#inEntry = true;
    this.#sink.entryStart(entry);
    if (this.#content === 0) this.#endEntry();
  }

  #readContent(buffer: Buffer, start: number, end: number): number {
    const taken = Math.min(this.#content, end - start);
    this.#sink.entryBytes(buffer, start, start + taken);
    this.#content -= taken;
    if (this.#content === 0) this.#endEntry();
    return start + taken;
  }

  #endEntry(): void {
    if (this.#inEntry) this.#sink.entryEnd();
    this.#inEntry = false;
  }
}
