import { toLarderError, type ErrorCode } from '../../errors.ts';
import { readCatalogue } from '../../repository/catalogue.ts';
import { backupOfCommitRecord, backupOfObject, parseBackupId } from '../../repository/layout.ts';
import { openRepository } from '../../repository/repository.ts';
import { ARCHIVE_PREFIX } from '../../repository/wal/wal-layout.ts';
import { readRetentionState } from '../../retention/read-facts.ts';
import type { ObjectInfo, ObjectStore, StoreLocation } from '../../storage/object-store.ts';
import { readArchiveState } from '../../verify/archive-state.ts';
import { known } from './known.ts';
import { readProofFacts } from './read-proofs.ts';
import type { StoredFacts, StrategyFacts } from './strategy-facts.ts';

export type RepositoryFacts = Pick<
  StrategyFacts,
  'record' | 'catalogue' | 'log' | 'retention' | 'stored' | 'capacity' | 'proofs'
>;

/**
 * What the repository itself says; each part that cannot be read is unknown. It writes nothing, and reads records and listings,
 * not the stored bytes.
 * @param now ms since 1970 UTC
 * @throws what aborted `signal`
 */
export async function readRepositoryFacts(
  { store, location }: { readonly store: ObjectStore; readonly location: StoreLocation },
  now: number,
  signal: AbortSignal,
): Promise<RepositoryFacts> {
  const opened = await open(store, location);
  if (opened.code !== undefined && opened.code !== 'REPOSITORY_DAMAGED') return allUnknown(opened.message);
  const archive = { read: false, signal, onProgress: () => undefined };
  return {
    record: opened.code === undefined ? { value: true } : { unknown: opened.message },
    catalogue: await known(() => readCatalogue(store), signal),
    log: await known(() => readArchiveState(store, archive), signal),
    retention: await known(() => readRetentionState(store, now), signal),
    stored: await known(() => readStored(store), signal),
    capacity: await known(() => store.capacity(), signal),
    proofs: await known(() => readProofFacts(store), signal),
  };
}

/** An unmounted volume looks like an empty store: that there are no backups in it is not said of it. */
async function open(
  store: ObjectStore,
  location: StoreLocation,
): Promise<{ readonly code: undefined } | { readonly code: ErrorCode; readonly message: string }> {
  try {
    await openRepository(store, location);
    return { code: undefined };
  } catch (error) {
    return toLarderError(error);
  }
}

function allUnknown(unknown: string): RepositoryFacts {
  const fact = { unknown };
  return {
    record: fact,
    catalogue: fact,
    log: fact,
    retention: fact,
    stored: fact,
    capacity: fact,
    proofs: fact,
  };
}

async function readStored(store: ObjectStore): Promise<StoredFacts> {
  const objects: ObjectInfo[] = [];
  for await (const object of store.list('')) objects.push(object);
  return sumStored(objects);
}

/** Adds up what is listed, by type. */
export function sumStored(objects: readonly ObjectInfo[]): StoredFacts {
  const committed = new Set(objects.flatMap(({ name }) => backupOfCommitRecord(name) ?? []));
  const sums = { full: 0, incremental: 0, log: 0, unfinished: 0, other: 0 };
  const logByDay = new Map<string, number>();
  for (const { name, size, modified } of objects) {
    const kind = kindOf(name, committed);
    sums[kind] += size;
    if (kind !== 'log') continue;
    const day = new Date(modified).toISOString().slice(0, 10);
    logByDay.set(day, (logByDay.get(day) ?? 0) + size);
  }
  return { ...sums, logByDay };
}

function kindOf(name: string, committed: ReadonlySet<string>): Exclude<keyof StoredFacts, 'logByDay'> {
  if (name.startsWith(ARCHIVE_PREFIX)) return 'log';
  const backup = backupOfObject(name);
  if (backup === undefined) return 'other';
  return committed.has(backup) ? (parseBackupId(backup)?.type ?? 'other') : 'unfinished';
}
