import * as z from 'zod';
import { LarderError, toLarderError } from '../../errors.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { decodeSealedJson, encodeSealedJson, formatVersion } from '../sealed-json.ts';
import { SEAL_RECORD_PREFIX, sealRecordName } from './wal-layout.ts';

const lsn = z.string().refine((text) => parseLsn(text) !== undefined, 'not an LSN');
const count = z.number().int().nonnegative();

const schema = z.strictObject({
  formatVersion,
  cluster: z.string(),
  systemIdentifier: z.string().regex(/^\d+$/),
  timeline: count,
  /** Where the seal before this one ended, or where the archive begins. */
  from: lsn,
  /** The end of the segment that was switched away from. */
  to: lsn,
  segments: count,
  /** Of those segments, as WAL. */
  bytes: count,
  /** What is missing between `from` and `to`; a good seal has none. */
  gaps: z.array(z.strictObject({ from: lsn, to: lsn })).readonly(),
  startTime: z.iso.datetime(),
  endTime: z.iso.datetime(),
  larderVersion: z.string(),
});

/** One scheduled transaction-log run: up to where the log was proven to be stored without a hole. */
export type SealRecord = z.infer<typeof schema>;

const RECORD_LIMIT = 16 * 1024 * 1024;

/**
 * Stores the record under the second it began in, or the next one that is free.
 * @returns the object's name
 */
export async function writeSealRecord(store: ObjectStore, record: SealRecord): Promise<string> {
  for (let time = Math.floor(Date.parse(record.startTime) / 1000) * 1000; ; time += 1000) {
    const name = sealRecordName(time);
    try {
      await store.putIfAbsent(name, encodeSealedJson(record));
      return name;
    } catch (error) {
      if (!(error instanceof LarderError) || error.code !== 'OBJECT_EXISTS') throw error;
    }
  }
}

/**
 * The newest seal of a cluster; `undefined` when there is none.
 * @throws LarderError OBJECT_DAMAGED when a record cannot be read: what it says must not be guessed
 */
export async function newestSeal(
  store: ObjectStore,
  systemIdentifier: string,
): Promise<SealRecord | undefined> {
  const names: string[] = [];
  for await (const { name } of store.list(SEAL_RECORD_PREFIX)) names.push(name);
  for (const name of names.sort().reverse()) {
    const record = await readSealRecord(store, name);
    if (record.systemIdentifier === systemIdentifier) return record;
  }
  return undefined;
}

/** The seals that can be read, of every cluster, oldest first. Throws what keeps the store from answering. */
export async function readSeals(
  store: ObjectStore,
): Promise<{ readonly name: string; readonly record: SealRecord }[]> {
  const seals: { name: string; record: SealRecord }[] = [];
  for await (const { name } of store.list(SEAL_RECORD_PREFIX)) {
    try {
      seals.push({ name, record: await readSealRecord(store, name) });
    } catch (thrown) {
      const { code } = toLarderError(thrown);
      if (!['OBJECT_DAMAGED', 'OBJECT_MISSING', 'REPOSITORY_NEWER_FORMAT'].includes(code)) throw thrown;
    }
  }
  return seals.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function readSealRecord(store: ObjectStore, name: string): Promise<SealRecord> {
  const parsed = schema.safeParse(decodeSealedJson(await store.get(name, RECORD_LIMIT), name));
  if (parsed.success) return parsed.data;
  throw new LarderError('OBJECT_DAMAGED', `${name} is not the record of a seal`);
}
