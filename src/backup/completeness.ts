import { crc32cHex } from '../crc32c.ts';
import { LarderError } from '../errors.ts';
import type { ManifestFile, WalRange } from '../postgres/backup-manifest.ts';
import { formatLsn } from '../postgres/lsn.ts';
import { segmentsOfRange } from '../postgres/wal-segment.ts';

/** A file as it came through the stream. */
export interface ReceivedFile {
  readonly size: number;
  /** CRC-32C of what was stored. */
  readonly checksum: number;
}

/**
 * Whether every file of the server's manifest came through the stream with equal size and checksum, and nothing came that
 * the manifest does not know. WAL is not listed by the server; `missingWal` looks after it.
 * @throws LarderError BACKUP_INCOMPLETE naming the first file that differs
 */
export function assertListedFile(file: ManifestFile, received: ReceivedFile | undefined): void {
  if (received === undefined) throw incomplete(file.path, 'the server lists it and never sent it');
  if (received.size !== file.size) {
    throw incomplete(file.path, `the server lists ${file.size} bytes and sent ${received.size}`);
  }
  if (file.algorithm === 'CRC32C' && file.checksum !== crc32cHex(received.checksum)) {
    throw incomplete(
      file.path,
      `the server lists checksum ${file.checksum ?? 'none'}, what came has ${crc32cHex(received.checksum)}`,
    );
  }
}

/** Whether the server may send a file without listing it. */
export function isUnlistedByDesign(path: string): boolean {
  return path.startsWith('pg_wal/');
}

/** Names of the WAL segments that recovery needs and that did not come, or not whole. */
export function missingWal(
  ranges: readonly WalRange[],
  segmentSize: number,
  sizeOf: (path: string) => number | undefined,
): string[] {
  return ranges
    .flatMap((range) => segmentsOfRange(range.timeline, range.start, range.end, segmentSize))
    .filter((name) => sizeOf(`pg_wal/${name}`) !== segmentSize);
}

/** @throws LarderError BACKUP_INCOMPLETE when the backup does not carry the WAL that makes it consistent */
export function assertWalIncluded(
  ranges: readonly WalRange[],
  segmentSize: number,
  sizeOf: (path: string) => number | undefined,
): void {
  if (ranges.length === 0)
    throw new LarderError('BACKUP_INCOMPLETE', "the server's manifest names no WAL range");
  const [missing] = missingWal(ranges, segmentSize, sizeOf);
  if (missing === undefined) return;
  const needed = ranges.map((range) => `${formatLsn(range.start)} to ${formatLsn(range.end)}`).join(', ');
  throw new LarderError(
    'BACKUP_INCOMPLETE',
    `the backup needs WAL ${needed}, and segment ${missing} did not come whole`,
  );
}

function incomplete(path: string, what: string): LarderError {
  return new LarderError('BACKUP_INCOMPLETE', `file ${JSON.stringify(path)}: ${what}`);
}
