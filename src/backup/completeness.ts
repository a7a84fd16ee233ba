import { crc32cHex, parseCrc32cHex } from '../crc32c.ts';
import { LarderError } from '../errors.ts';
import type { ManifestFile, WalRange } from '../postgres/backup-manifest.ts';
import { formatLsn } from '../postgres/lsn.ts';
import { segmentsOfRange } from '../postgres/wal-segment.ts';

/**
 * Whether a file that the server's manifest lists came through the stream with the size listed.
 * @param receivedSize `undefined` when no such file came
 * @returns the CRC-32C that it must have
 * @throws LarderError BACKUP_INCOMPLETE naming the file; also when it is listed without the checksum that was asked for
 */
export function expectedChecksum(file: ManifestFile, receivedSize: number | undefined): number {
  if (receivedSize === undefined) throw incomplete(file.path, 'the server lists it and never sent it');
  if (receivedSize !== file.size) {
    throw incomplete(file.path, `the server lists ${file.size} bytes and sent ${receivedSize}`);
  }
  const checksum = file.algorithm === 'CRC32C' ? parseCrc32cHex(file.checksum ?? '') : undefined;
  if (checksum === undefined) throw incomplete(file.path, 'the server lists no CRC-32C for it');
  return checksum;
}

/** @throws LarderError BACKUP_INCOMPLETE when what was stored is not what the server read */
export function assertChecksum(path: string, expected: number, received: number): void {
  if (expected === received) return;
  throw incomplete(
    path,
    `the server lists checksum ${crc32cHex(expected)}, what came has ${crc32cHex(received)}`,
  );
}

/** Whether the server may send a file without listing it. */
export function isUnlistedByDesign(path: string): boolean {
  return path.startsWith('pg_wal/');
}

/** Names of the WAL segments that recovery needs and that did not come, or not whole. */
export function* missingWal(
  ranges: readonly WalRange[],
  segmentSize: number,
  sizeOf: (path: string) => number | undefined,
): Generator<string> {
  for (const { timeline, start, end } of ranges) {
    for (const name of segmentsOfRange(timeline, start, end, segmentSize)) {
      if (sizeOf(`pg_wal/${name}`) !== segmentSize) yield name;
    }
  }
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
