import * as z from 'zod';
import { LarderError, toLarderError } from '../errors.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import {
  EXPIRED_PREFIX,
  expiredBackupName,
  expiredLogName,
  parseExpiredName,
  type ExpiredLog,
} from './layout.ts';
import { FORMAT_VERSION } from './object-header.ts';
import { decodeSealedJson, encodeSealedJson, formatVersion } from './sealed-json.ts';

const schema = z.strictObject({ formatVersion, marked: z.iso.datetime() });

/** What retention is going to remove: a backup by its id, or the log of a timeline before a position. */
export type Expiring = string | ExpiredLog;

/** Says since when something is to be removed; nothing is, before such a mark has stood for the grace period. */
export interface ExpiryMark {
  readonly name: string;
  readonly of: Expiring;
  /** ms since 1970 UTC; undefined where the mark cannot be read: then it counts for nothing. */
  readonly marked: number | undefined;
}

const RECORD_LIMIT = 64 * 1024;

function markName(of: Expiring): string {
  return typeof of === 'string' ? expiredBackupName(of) : expiredLogName(of);
}

/** Marks something; a mark that is there already stays as it is. `marked`: ms since 1970 UTC. */
export async function writeMark(store: ObjectStore, of: Expiring, marked: number): Promise<void> {
  const record = { formatVersion: FORMAT_VERSION, marked: new Date(marked).toISOString() };
  try {
    await store.putIfAbsent(markName(of), encodeSealedJson(record));
  } catch (error) {
    if (!(error instanceof LarderError) || error.code !== 'OBJECT_EXISTS') throw error;
  }
}

/** Every mark. Throws what keeps the store from answering. */
export async function readMarks(store: ObjectStore): Promise<ExpiryMark[]> {
  const marks: ExpiryMark[] = [];
  for await (const { name } of store.list(EXPIRED_PREFIX)) {
    const of = parseExpiredName(name);
    if (of !== undefined) marks.push({ name, of, marked: await readMarked(store, name) });
  }
  return marks.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function readMarked(store: ObjectStore, name: string): Promise<number | undefined> {
  try {
    const parsed = schema.safeParse(decodeSealedJson(await store.get(name, RECORD_LIMIT), name));
    return parsed.success ? Date.parse(parsed.data.marked) : undefined;
  } catch (thrown) {
    const { code } = toLarderError(thrown);
    if (!['OBJECT_DAMAGED', 'OBJECT_MISSING', 'REPOSITORY_NEWER_FORMAT'].includes(code)) throw thrown;
    return undefined;
  }
}
