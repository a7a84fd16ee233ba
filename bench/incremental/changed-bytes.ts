import { hash } from 'node:crypto';
import { open, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** A file as a row of hashes, one for each block. */
export interface FileDigests {
  /** Bytes. */
  readonly size: number;
  /** `DIGEST_LENGTH` bytes for each block, the last of which may be a part of one. */
  readonly digests: Buffer;
}

/** Of all files that a base backup sends, by path; the log is not among them. */
export type ClusterDigests = ReadonlyMap<string, FileDigests>;

const BLOCK_SIZE = 8192;
/** SHA-1, bytes. */
export const DIGEST_LENGTH = 20;
const READ_LENGTH = 128 * BLOCK_SIZE;

/** What basebackup.c leaves out, the log, and the mark of a restore, of which no two are the same. */
const NOT_SENT =
  /^(pg_wal|pg_dynshmem|pg_notify|pg_replslot|pg_serial|pg_snapshots|pg_stat_tmp|pg_subtrans)\/|^(postmaster\.(pid|opts)|larder_restored)$|(^|\/)pg(_internal\.init|sql_tmp)/;

/** Reads a whole data directory, whose server must be at rest right behind a checkpoint. */
export async function digestCluster(dataDirectory: string): Promise<ClusterDigests> {
  const digests = new Map<string, FileDigests>();
  const entries = await readdir(dataDirectory, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((found) => found.isFile())) {
    const file = join(entry.parentPath, entry.name);
    const path = relative(dataDirectory, file);
    if (!NOT_SENT.test(path)) digests.set(path, await digestFile(file));
  }
  return digests;
}

async function digestFile(path: string): Promise<FileDigests> {
  const buffer = Buffer.allocUnsafe(READ_LENGTH);
  const blocks: Buffer[] = [];
  await using file = await open(path);
  let size = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, READ_LENGTH, size);
    if (bytesRead === 0) return { size, digests: Buffer.concat(blocks) };
    size += bytesRead;
    for (let start = 0; start < bytesRead; start += BLOCK_SIZE) {
      blocks.push(hash('sha1', buffer.subarray(start, Math.min(start + BLOCK_SIZE, bytesRead)), 'buffer'));
    }
  }
}

/** Bytes of the blocks of the later state that the earlier one does not have at the same place of the same file. */
export function changedBytes(before: ClusterDigests, after: ClusterDigests): number {
  let bytes = 0;
  for (const [path, file] of after) bytes += changedBytesOf(before.get(path), file);
  return bytes;
}

function changedBytesOf(before: FileDigests | undefined, after: FileDigests): number {
  let bytes = 0;
  for (let block = 0; block * BLOCK_SIZE < after.size; block++) {
    const [start, end] = [block * DIGEST_LENGTH, (block + 1) * DIGEST_LENGTH];
    const isSame = before?.digests.subarray(start, end).equals(after.digests.subarray(start, end)) ?? false;
    if (!isSame) bytes += Math.min(BLOCK_SIZE, after.size - block * BLOCK_SIZE);
  }
  return bytes;
}
