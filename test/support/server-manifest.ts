import { createHash } from 'node:crypto';
import { isUtf8 } from 'node:buffer';

export interface ListedFile {
  readonly path: Uint8Array;
  readonly size: number;
  readonly checksum: string | undefined;
}

export interface ServerManifest {
  readonly version: 1 | 2;
  readonly systemIdentifier: bigint;
  readonly files: readonly ListedFile[];
  readonly walRanges: readonly {
    readonly timeline: number;
    readonly start: string;
    readonly end: string;
  }[];
}

/** As escape_json of PostgreSQL writes text. */
function json(text: string): string {
  return JSON.stringify(text).replaceAll('\u{7f}', '\\u007f');
}

function fileObject({ path, size, checksum }: ListedFile): string {
  const bytes = Buffer.from(path);
  const name = isUtf8(bytes)
    ? `"Path": ${json(bytes.toString())}`
    : `"Encoded-Path": "${bytes.toString('hex')}"`;
  const sum = checksum === undefined ? '' : `, "Checksum-Algorithm": "CRC32C", "Checksum": "${checksum}"`;
  return `{ ${name}, "Size": ${size}, "Last-Modified": "2026-11-22 12:00:00 GMT"${sum} }`;
}

/** A `backup_manifest` as PostgreSQL writes it (backup_manifest.c): version 1 on 15 and 16, version 2 from 17 on. */
export function serverManifest(manifest: ServerManifest): Buffer {
  const ranges = manifest.walRanges.map(
    ({ timeline, start, end }) => `{ "Timeline": ${timeline}, "Start-LSN": "${start}", "End-LSN": "${end}" }`,
  );
  const text =
    `{ "PostgreSQL-Backup-Manifest-Version": ${manifest.version},\n` +
    (manifest.version === 1 ? '' : `"System-Identifier": ${manifest.systemIdentifier},\n`) +
    `"Files": [${manifest.files.map((file, i) => `${i === 0 ? '\n' : ',\n'}${fileObject(file)}`).join('')}\n],\n` +
    `"WAL-Ranges": [\n${ranges.join(',\n')}\n],\n`;
  return sealManifest(Buffer.from(text));
}

/** Adds the last line: the checksum of all before it. */
export function sealManifest(lines: Buffer): Buffer {
  const checksum = createHash('sha256').update(lines).digest('hex');
  return Buffer.concat([lines, Buffer.from(`"Manifest-Checksum": "${checksum}"}\n`)]);
}
