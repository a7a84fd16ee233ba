import { createHash } from 'node:crypto';
import { LarderError } from '../errors.ts';
import { parseLsn, type Lsn } from './lsn.ts';
import { pathFromBytes } from './path-bytes.ts';

/** One entry of `Files`. WAL, the manifest itself and directories are not listed by the server. */
export interface ManifestFile {
  readonly path: string;
  readonly size: number;
  /** `CRC32C`, `SHA256`, … ; undefined when the server was asked for none. */
  readonly algorithm: string | undefined;
  /** Hexadecimal, as printed. */
  readonly checksum: string | undefined;
}

/** One entry of `WAL-Ranges`: recovery needs every byte of [start, end) on this timeline. */
export interface WalRange {
  readonly timeline: number;
  readonly start: Lsn;
  readonly end: Lsn;
}

/** What a manifest says beside its files. */
export interface ManifestSummary {
  readonly version: number;
  /** Only since version 2 (PostgreSQL 17). */
  readonly systemIdentifier: string | undefined;
  readonly walRanges: readonly WalRange[];
  readonly fileCount: number;
}

const LONGEST_LINE = 64 * 1024;

/**
 * Reads PostgreSQL's `backup_manifest` as it streams by, a line at a time: the server writes every file on a line of its
 * own (backup_manifest.c), so neither the text nor the list is ever held. The last line carries the SHA-256 of everything
 * before it.
 *
 * @throws LarderError PROTOCOL_VIOLATION when the text is not such a manifest, or its checksum is wrong.
 */
export class BackupManifestReader {
  readonly #onFile: (file: ManifestFile) => void;
  readonly #hash = createHash('sha256');
  #partial = '';
  #version: number | undefined;
  #systemIdentifier: string | undefined;
  #walRanges: WalRange[] = [];
  #fileCount = 0;
  #checksum: string | undefined;

  constructor(onFile: (file: ManifestFile) => void) {
    this.#onFile = onFile;
  }

  push(bytes: Buffer): void {
    // latin1 keeps the bytes; a line is decoded once it is whole, so a character cut in two does no harm
    const lines = (this.#partial + bytes.toString('latin1')).split('\n');
    this.#partial = lines.pop() ?? '';
    if (this.#partial.length > LONGEST_LINE) throw damaged('a line longer than 64 KiB');
    for (const line of lines) this.#line(Buffer.from(line, 'latin1'));
  }

  finish(): ManifestSummary {
    if (this.#partial !== '' || this.#checksum === undefined || this.#version === undefined) {
      throw damaged('no end');
    }
    return {
      version: this.#version,
      systemIdentifier: this.#systemIdentifier,
      walRanges: this.#walRanges,
      fileCount: this.#fileCount,
    };
  }

  #line(bytes: Buffer): void {
    if (this.#checksum !== undefined) throw damaged('text after its checksum');
    const line = bytes.toString('utf8').trim();
    if (line.startsWith('"Manifest-Checksum"')) return this.#lastLine(line);
    this.#hash.update(bytes).update('\n');
    if (line.startsWith('{ "Path"') || line.startsWith('{ "Encoded-Path"')) this.#file(line);
    else if (line.startsWith('{ "Timeline"')) this.#walRanges.push(readWalRange(parseObject(line)));
    else if (line.startsWith('{ "PostgreSQL-Backup-Manifest-Version"')) this.#version = readVersion(line);
    // a bare number beyond 2^53: taken as text, never through JSON.parse
    else if (line.startsWith('"System-Identifier"')) this.#systemIdentifier = /:\s*(\d+)/.exec(line)?.[1];
    else if (!/^(\],?|"Files": \[|"WAL-Ranges": \[|\{)?(\s*\],?)?$/.test(line))
      throw damaged('a line of unknown form');
  }

  #file(line: string): void {
    const fields = parseObject(line);
    const encoded = fields['Encoded-Path'];
    const path = typeof encoded === 'string' ? pathFromBytes(Buffer.from(encoded, 'hex')) : fields['Path'];
    const size = fields['Size'];
    if (typeof path !== 'string' || typeof size !== 'number') throw damaged('a file without path or size');
    this.#fileCount += 1;
    this.#onFile({
      path,
      size,
      algorithm: optionalText(fields['Checksum-Algorithm']),
      checksum: optionalText(fields['Checksum']),
    });
  }

  #lastLine(line: string): void {
    const expected = /^"Manifest-Checksum": "([0-9a-f]{64})"\}$/.exec(line)?.[1];
    this.#checksum = this.#hash.digest('hex');
    if (expected !== this.#checksum) throw damaged('a wrong checksum of its own');
  }
}

function parseObject(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line.replace(/,$/, '')) as Record<string, unknown>;
  } catch (error) {
    throw new LarderError('PROTOCOL_VIOLATION', "the server's backup manifest has a line that is not JSON", {
      cause: error,
    });
  }
}

function optionalText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function readVersion(line: string): number {
  const version = /: (\d{1,3}),$/.exec(line)?.[1];
  if (version === undefined) throw damaged('an unreadable version');
  return Number(version);
}

function readWalRange(fields: Record<string, unknown>): WalRange {
  const start = parseLsn(String(fields['Start-LSN']));
  const end = parseLsn(String(fields['End-LSN']));
  const timeline = Number(fields['Timeline']);
  if (start === undefined || end === undefined || !Number.isInteger(timeline))
    throw damaged('an unreadable WAL range');
  return { timeline, start, end };
}

function damaged(what: string): LarderError {
  return new LarderError('PROTOCOL_VIOLATION', `the server's backup manifest has ${what}`);
}
