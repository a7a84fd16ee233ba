import { toLarderError } from '../errors.ts';
import { parseLsn, type Lsn } from '../postgres/lsn.ts';
import type { ExpiryMark } from '../repository/expiry-mark.ts';
import { readArchiveRecord } from '../repository/wal/archive-record.ts';
import { recordPruned } from '../repository/wal/pruned-log.ts';
import { readSeals } from '../repository/wal/seal-record.ts';
import { readHole } from '../repository/wal/wal-hole.ts';
import { parseWalObject, walPrefix, type WalObject } from '../repository/wal/wal-layout.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { LogRemoval } from './steps.ts';

export interface LogRemovalContext {
  /** ms since 1970 UTC, for the record of it. */
  readonly now: number;
  /** Asked before each object: throws when the removal must not go on. */
  readonly mayGoOn: () => Promise<void>;
}

/**
 * Removes the log of a timeline before a position. It is put on record first, so that nobody takes what is gone for lost;
 * then the objects go, oldest first: whatever a crash leaves has no hole. Histories stay.
 */
export async function removeLog(
  store: ObjectStore,
  removal: LogRemoval,
  marks: readonly ExpiryMark[],
  { now, mayGoOn }: LogRemovalContext,
): Promise<void> {
  const { systemIdentifier, timeline, before } = removal;
  await mayGoOn();
  await recordPruned(store, systemIdentifier, { timeline, before, recorded: now });
  for (const { name } of removal.objects) {
    await mayGoOn();
    await store.delete(name);
  }
  for (const name of await needlessRecords(store, removal)) await store.delete(name);
  for (const { name, of } of marks) {
    if (typeof of === 'string' || of.systemIdentifier !== systemIdentifier) continue;
    if (of.timeline === timeline && of.before <= before) await store.delete(name);
  }
}

/** Records that concern nothing but what is gone: of holes, of seals but the newest, and of earlier removals. */
async function needlessRecords(store: ObjectStore, removal: LogRemoval): Promise<string[]> {
  const archive = await readArchiveRecord(store, removal.systemIdentifier);
  const needless = await needlessSeals(store, removal);
  if (archive === undefined) return needless;
  for await (const { name } of store.list(walPrefix(removal.systemIdentifier))) {
    const object = parseWalObject(name, removal.systemIdentifier, archive.segmentSize);
    if (object !== undefined && (await isNeedless(store, { name, object }, removal))) needless.push(name);
  }
  return needless;
}

async function isNeedless(
  store: ObjectStore,
  { name, object }: { readonly name: string; readonly object: WalObject },
  { timeline, before }: LogRemoval,
): Promise<boolean> {
  if (object.kind === 'pruned') return object.timeline === timeline && object.before < before;
  return object.kind === 'hole' && object.timeline === timeline && (await endsBefore(store, name, before));
}

async function needlessSeals(
  store: ObjectStore,
  { systemIdentifier, timeline, before }: LogRemoval,
): Promise<string[]> {
  const seals = (await readSeals(store)).filter(({ record }) => record.systemIdentifier === systemIdentifier);
  // the next seal goes on where the newest one ended
  const older = seals.slice(0, -1).filter(({ record }) => record.timeline === timeline);
  return older.flatMap(({ name, record }) => {
    const end = parseLsn(record.to);
    return end !== undefined && end <= before ? [name] : [];
  });
}

/** A record that cannot be read stays: whoever looks at the log is told of it. */
async function endsBefore(store: ObjectStore, name: string, before: Lsn): Promise<boolean> {
  try {
    return (await readHole(store, name)).to <= before;
  } catch (thrown) {
    const { code } = toLarderError(thrown);
    if (!['OBJECT_DAMAGED', 'OBJECT_MISSING', 'REPOSITORY_NEWER_FORMAT'].includes(code)) throw thrown;
    return false;
  }
}
