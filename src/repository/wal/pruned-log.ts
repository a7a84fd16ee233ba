import * as z from 'zod';
import { LarderError } from '../../errors.ts';
import { formatLsn, parseLsn, type Lsn } from '../../postgres/lsn.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { FORMAT_VERSION } from '../object-header.ts';
import { decodeSealedJson, encodeSealedJson, formatVersion } from '../sealed-json.ts';
import { prunedObject } from './wal-layout.ts';

const schema = z.strictObject({
  formatVersion,
  timeline: z.number().int(),
  before: z.string().refine((text) => parseLsn(text) !== undefined, 'not an LSN'),
  recorded: z.iso.datetime(),
});

const RECORD_LIMIT = 64 * 1024;

/**
 * Records that retention removes everything of a timeline before a position. Written before the first object goes, so that
 * nobody takes what is gone for lost; a record that is there already says the same.
 */
export async function recordPruned(
  store: ObjectStore,
  systemIdentifier: string,
  pruned: { readonly timeline: number; readonly before: Lsn; readonly recorded: number },
): Promise<void> {
  const record = {
    formatVersion: FORMAT_VERSION,
    timeline: pruned.timeline,
    before: formatLsn(pruned.before),
    recorded: new Date(pruned.recorded).toISOString(),
  };
  try {
    const name = prunedObject(systemIdentifier, pruned.timeline, pruned.before);
    await store.putIfAbsent(name, encodeSealedJson(record));
  } catch (error) {
    if (!(error instanceof LarderError) || error.code !== 'OBJECT_EXISTS') throw error;
  }
}

/** @throws LarderError unless the object is the record it is named as: OBJECT_MISSING, OBJECT_DAMAGED, the store's errors */
export async function assertPrunedRecord(
  store: ObjectStore,
  name: string,
  named: { readonly timeline: number; readonly before: Lsn },
): Promise<void> {
  const parsed = schema.safeParse(decodeSealedJson(await store.get(name, RECORD_LIMIT), name));
  const { timeline, before } = parsed.data ?? {};
  if (timeline === named.timeline && parseLsn(before ?? '') === named.before) return;
  throw new LarderError('OBJECT_DAMAGED', `${name} is not the record of what retention removed`);
}
