import * as z from 'zod';
import { LarderError } from '../../errors.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { FORMAT_VERSION } from '../object-header.ts';
import { decodeSealedJson, encodeSealedJson, formatVersion } from '../sealed-json.ts';
import { newestSeal } from './seal-record.ts';
import { archiveRecordName, walPrefix } from './wal-layout.ts';

const schema = z.strictObject({
  formatVersion,
  systemIdentifier: z.string().regex(/^\d+$/),
  /** Major version of the server. */
  major: z.number().int(),
  /** Bytes of a segment; fixed for the life of a cluster but for pg_resetwal. */
  segmentSize: z.number().int(),
  created: z.iso.datetime(),
});

/** What the transaction log of one cluster is, so that it can be read without any backup beside it. */
export type ArchiveRecord = z.infer<typeof schema>;

const RECORD_LIMIT = 64 * 1024;

/**
 * The record of a cluster's archive; `undefined` when the store says that there is none: no WAL was ever received.
 * @throws LarderError OBJECT_DAMAGED, REPOSITORY_NEWER_FORMAT, the store's errors
 */
export async function readArchiveRecord(
  store: ObjectStore,
  systemIdentifier: string,
): Promise<ArchiveRecord | undefined> {
  const name = archiveRecordName(systemIdentifier);
  let bytes: Uint8Array;
  try {
    bytes = await store.get(name, RECORD_LIMIT);
  } catch (error) {
    if (error instanceof LarderError && error.code === 'OBJECT_MISSING') return undefined;
    throw error;
  }
  const parsed = schema.safeParse(decodeSealedJson(bytes, name));
  if (parsed.success && parsed.data.systemIdentifier === systemIdentifier) return parsed.data;
  throw new LarderError('OBJECT_DAMAGED', `${name} is not the record of this archive`);
}

/**
 * The same for who would take a lost record for an archive that never was.
 * @throws LarderError OBJECT_MISSING when there is none and something else says that WAL was stored; as `readArchiveRecord`
 */
export async function findArchive(
  store: ObjectStore,
  systemIdentifier: string,
): Promise<ArchiveRecord | undefined> {
  const record = await readArchiveRecord(store, systemIdentifier);
  if (record !== undefined) return record;
  const lost = archiveRecordName(systemIdentifier);
  for await (const { name } of store.list(walPrefix(systemIdentifier))) {
    throw new LarderError('OBJECT_MISSING', `${lost} is missing, though ${name} is there`, {
      hint: 'Bring it back from a copy; "larder wal receive" on the same server makes it anew.',
    });
  }
  const seal = await newestSeal(store, systemIdentifier);
  if (seal === undefined) return undefined;
  throw new LarderError('OBJECT_MISSING', `${lost} is missing, though WAL up to ${seal.to} was sealed`, {
    hint: 'Bring the archive back from a copy; --immediate restores a backup to its own end.',
  });
}

/**
 * Makes the archive's record, or checks the one that is there.
 * @throws LarderError REPOSITORY_OTHER_CLUSTER when the server's segments are not those of the archive
 */
export async function openOrCreateArchive(
  store: ObjectStore,
  wanted: Omit<ArchiveRecord, 'formatVersion'>,
): Promise<ArchiveRecord> {
  const found = await readArchiveRecord(store, wanted.systemIdentifier);
  if (found === undefined) {
    const record: ArchiveRecord = { formatVersion: FORMAT_VERSION, ...wanted };
    await putUnlessThere(store, record);
    return openOrCreateArchive(store, wanted);
  }
  if (found.segmentSize === wanted.segmentSize && found.major === wanted.major) return found;
  throw new LarderError(
    'REPOSITORY_OTHER_CLUSTER',
    `the archive holds segments of ${found.segmentSize} bytes of PostgreSQL ${found.major}, and the server writes ${wanted.segmentSize} bytes as PostgreSQL ${wanted.major}`,
    { hint: 'After pg_upgrade or pg_resetwal use a new, empty BACKUP_DIR and keep the old one.' },
  );
}

async function putUnlessThere(store: ObjectStore, record: ArchiveRecord): Promise<void> {
  try {
    await store.putIfAbsent(archiveRecordName(record.systemIdentifier), encodeSealedJson(record));
  } catch (error) {
    // another receiver made it at the same moment: the caller reads and compares it
    if (!(error instanceof LarderError) || error.code !== 'OBJECT_EXISTS') throw error;
  }
}
