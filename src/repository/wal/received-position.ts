import * as z from 'zod';
import { LarderError } from '../../errors.ts';
import { formatLsn, parseLsn, type Lsn } from '../../postgres/lsn.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { FORMAT_VERSION } from '../object-header.ts';
import { assertPresent } from '../repository.ts';
import { decodeSealedJson, encodeSealedJson, formatVersion } from '../sealed-json.ts';
import { positionName } from './wal-layout.ts';

const schema = z.strictObject({
  formatVersion,
  timeline: z.number().int(),
  stored: z.string().refine((text) => parseLsn(text) !== undefined, 'not an LSN'),
  complete: z.iso.datetime().nullable(),
  updated: z.iso.datetime(),
});

/**
 * How far the receiver was, written anew every `tail_interval`, also while the server is idle: without it nobody could
 * tell an hour without changes from an hour that is missing.
 */
export interface ReceivedPosition {
  readonly timeline: number;
  /** Everything before it is stored in this repository. */
  readonly stored: Lsn;
  /** The server's clock (ms since 1970 UTC) when it said that it had nothing behind `stored`; undefined: not known. */
  readonly complete: number | undefined;
  /** When this was written, by our clock, ms since 1970 UTC. */
  readonly updated: number;
}

const RECORD_LIMIT = 64 * 1024;

export async function writePosition(
  store: ObjectStore,
  systemIdentifier: string,
  position: ReceivedPosition,
): Promise<void> {
  const record = {
    formatVersion: FORMAT_VERSION,
    timeline: position.timeline,
    stored: formatLsn(position.stored),
    complete: position.complete === undefined ? null : new Date(position.complete).toISOString(),
    updated: new Date(position.updated).toISOString(),
  };
  await assertPresent(store);
  await store.replace(positionName(systemIdentifier), encodeSealedJson(record));
}

/** `undefined` when none was ever written. Throws OBJECT_DAMAGED, REPOSITORY_NEWER_FORMAT, the store's errors. */
export async function readPosition(
  store: ObjectStore,
  systemIdentifier: string,
): Promise<ReceivedPosition | undefined> {
  const name = positionName(systemIdentifier);
  let bytes: Uint8Array;
  try {
    bytes = await store.get(name, RECORD_LIMIT);
  } catch (error) {
    if (error instanceof LarderError && error.code === 'OBJECT_MISSING') return undefined;
    throw error;
  }
  const parsed = schema.safeParse(decodeSealedJson(bytes, name));
  const stored = parseLsn(parsed.data?.stored ?? '');
  if (!parsed.success || stored === undefined) {
    throw new LarderError('OBJECT_DAMAGED', `${name} is not a position`);
  }
  const { timeline, complete, updated } = parsed.data;
  return {
    timeline,
    stored,
    complete: complete === null ? undefined : Date.parse(complete),
    updated: Date.parse(updated),
  };
}
