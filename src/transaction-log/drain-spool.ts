import { open } from 'node:fs/promises';
import { LarderError } from '../errors.ts';
import { formatLsn, type Lsn } from '../postgres/lsn.ts';
import { WalRecordReader } from '../postgres/wal-records.ts';
import { parseSegmentName } from '../postgres/wal-segment.ts';
import { openRepository } from '../repository/repository.ts';
import { readArchiveRecord, type ArchiveRecord } from '../repository/wal/archive-record.ts';
import { walSegmentObject, walTailObject } from '../repository/wal/wal-layout.ts';
import type { ObjectStore, StoreLocation } from '../storage/object-store.ts';
import type { TaskPool } from '../task-pool.ts';
import type { ArchiveTask } from './archive-messages.ts';
import type { Spool, SpooledFile } from './spool.ts';

const READ = 1024 * 1024;

export interface Drained {
  readonly segments: number;
  /** Where the last file that was stored ends; `undefined` when there was none. */
  readonly end: Lsn | undefined;
}

/**
 * Stores what an earlier receiver left in the spool, whether or not the server still lives: it may have been acknowledged,
 * and be nowhere else. A power cut leaves the end of a file undefined, so what counts ends where the records' own checksums
 * say that something else begins.
 *
 * @throws LarderError as `storeSpooled`; nothing is removed from the spool before it is stored
 */
export async function drainSpool(
  spool: Spool,
  { archive, pool }: { readonly archive: ArchiveRecord; readonly pool: TaskPool<ArchiveTask> },
): Promise<Drained> {
  let segments = 0;
  let end: Lsn | undefined;
  for (const file of await spool.files()) {
    const length = await validLength(file, archive);
    if (length > 0) {
      end = await storeFile(file, length, { archive, pool });
      segments++;
    }
    await spool.remove(file.name);
  }
  return { segments, end };
}

/**
 * The same for the repository it belongs to, before any server was asked.
 * @returns what to tell; `undefined` where nothing was left
 * @throws LarderError REPOSITORY_OTHER_CLUSTER when the repository is not the one it was received for; as `drainSpool`
 */
export async function drainEarlier(
  spool: Spool,
  {
    store,
    location,
    pool,
  }: { readonly store: ObjectStore; readonly location: StoreLocation; readonly pool: TaskPool<ArchiveTask> },
): Promise<string | undefined> {
  const [described, files] = [await spool.describe(), await spool.files()];
  if (described === undefined || files.length === 0) return undefined;
  const { record } = await openRepository(store, location);
  if (record.id !== described.repositoryId) {
    throw new LarderError(
      'REPOSITORY_OTHER_CLUSTER',
      `the spool ${spool.directory} holds WAL that was received for another repository than ${store.description}`,
      {
        hint: 'Bring that repository back, or move the spool away and keep it: its WAL may be nowhere else.',
      },
    );
  }
  const archive = await readArchiveRecord(store, described.systemIdentifier);
  if (archive === undefined) {
    throw new LarderError('OBJECT_MISSING', `the archive's record is missing from ${store.description}`);
  }
  return drainedText(await drainSpool(spool, { archive, pool }));
}

function drainedText({ segments, end }: Drained): string | undefined {
  if (segments === 0 || end === undefined) return undefined;
  return `stored what an earlier receiver left in the spool: ${segments} file(s), up to ${formatLsn(end)}`;
}

/**
 * Bytes from the segment's first one on that are certainly WAL. Where the records end without a fault all of them count: a
 * record that is cut off may be the beginning of one that goes on in the next segment.
 */
async function validLength(file: SpooledFile, archive: ArchiveRecord): Promise<number> {
  const segment = parseSegmentName(file.name, archive.segmentSize);
  if (segment === undefined) return 0;
  const start = segment.number * BigInt(archive.segmentSize);
  const reader = new WalRecordReader({ start, segmentSize: archive.segmentSize, check: 'crc' });
  const length = await readThrough(file, reader, archive.segmentSize);
  return reader.ended === undefined ? length : Number(reader.ended.position - start);
}

async function readThrough(file: SpooledFile, reader: WalRecordReader, segmentSize: number): Promise<number> {
  const handle = await open(file.path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(READ);
    let offset = 0;
    while (offset < segmentSize && reader.ended === undefined) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(READ, segmentSize - offset), offset);
      if (bytesRead === 0) break;
      // only how far it comes matters
      reader.push(buffer.subarray(0, bytesRead)).forEach(() => undefined);
      offset += bytesRead;
    }
    return offset;
  } finally {
    await handle.close();
  }
}

async function storeFile(
  file: SpooledFile,
  length: number,
  { archive, pool }: { readonly archive: ArchiveRecord; readonly pool: TaskPool<ArchiveTask> },
): Promise<Lsn | undefined> {
  const { systemIdentifier, segmentSize } = archive;
  const segment = parseSegmentName(file.name, segmentSize);
  if (segment === undefined) return undefined;
  const object =
    length === segmentSize
      ? walSegmentObject(systemIdentifier, segment, segmentSize)
      : walTailObject(systemIdentifier, { segment, from: 0, to: length }, segmentSize);
  await pool.run({ path: file.path, object, from: 0, to: length, expected: { segment, ...archive } });
  return segment.number * BigInt(segmentSize) + BigInt(length);
}
