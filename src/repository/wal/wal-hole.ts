import * as z from 'zod';
import { LarderError } from '../../errors.ts';
import { formatLsn, parseLsn, type Lsn } from '../../postgres/lsn.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { FORMAT_VERSION } from '../object-header.ts';
import { decodeSealedJson, encodeSealedJson, formatVersion } from '../sealed-json.ts';
import { holeObject } from './wal-layout.ts';

const lsn = z.string().refine((text) => parseLsn(text) !== undefined, 'not an LSN');

const schema = z.strictObject({
  formatVersion,
  timeline: z.number().int(),
  from: lsn,
  to: lsn,
  reason: z.enum(['slot-lost', 'slot-invalidated', 'slot-dropped', 'wal-removed', 'diverged']),
  /** For people. */
  detail: z.string(),
  recorded: z.iso.datetime(),
});

/**
 * WAL that nobody has any more, as the receiver found out and recorded it: no backup that ends before `to` can be rolled
 * forward past `from`, so a new full backup is needed.
 */
export interface WalHole {
  readonly timeline: number;
  readonly from: Lsn;
  readonly to: Lsn;
  readonly reason: z.infer<typeof schema>['reason'];
  readonly detail: string;
  /** ISO 8601, UTC. */
  readonly recorded: string;
}

const RECORD_LIMIT = 64 * 1024;

/** Stores the record of a hole; one that is recorded already stays as it is. */
export async function recordHole(store: ObjectStore, systemIdentifier: string, hole: WalHole): Promise<void> {
  const record = {
    formatVersion: FORMAT_VERSION,
    ...hole,
    from: formatLsn(hole.from),
    to: formatLsn(hole.to),
  };
  try {
    const name = holeObject(systemIdentifier, hole.timeline, hole.from);
    await store.putIfAbsent(name, encodeSealedJson(record));
  } catch (error) {
    if (!(error instanceof LarderError) || error.code !== 'OBJECT_EXISTS') throw error;
  }
}

/** Throws OBJECT_MISSING, OBJECT_DAMAGED, REPOSITORY_NEWER_FORMAT, the store's errors. */
export async function readHole(store: ObjectStore, name: string): Promise<WalHole> {
  const parsed = schema.safeParse(decodeSealedJson(await store.get(name, RECORD_LIMIT), name));
  const from = parseLsn(parsed.data?.from ?? '');
  const to = parseLsn(parsed.data?.to ?? '');
  if (!parsed.success || from === undefined || to === undefined) {
    throw new LarderError('OBJECT_DAMAGED', `${name} is not the record of a hole`);
  }
  const { timeline, reason, detail, recorded } = parsed.data;
  return { timeline, from, to, reason, detail, recorded };
}
