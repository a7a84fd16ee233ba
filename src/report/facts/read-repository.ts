import { readCatalogue } from '../../repository/catalogue.ts';
import { backupOfCommitRecord, backupOfObject, parseBackupId } from '../../repository/layout.ts';
import { ARCHIVE_PREFIX } from '../../repository/wal/wal-layout.ts';
import { readRetentionState } from '../../retention/read-facts.ts';
import type { ObjectInfo, ObjectStore } from '../../storage/object-store.ts';
import { readArchiveState } from '../../verify/archive-state.ts';
import { known } from './known.ts';
import type { StoredFacts, StrategyFacts } from './strategy-facts.ts';

export type RepositoryFacts = Pick<
  StrategyFacts,
  'catalogue' | 'log' | 'retention' | 'stored' | 'capacity' | 'proofs'
>;

/**
 * What the repository itself says; each part that cannot be read is unknown. It writes nothing, and reads records and listings,
 * not the stored bytes.
 * @param now ms since 1970 UTC
 * @throws what aborted `signal`
 */
export async function readRepositoryFacts(
  store: ObjectStore,
  now: number,
  signal: AbortSignal,
): Promise<RepositoryFacts> {
  const archive = { read: false, signal, onProgress: () => undefined };
  return {
    catalogue: await known(() => readCatalogue(store), signal),
    log: await known(() => readArchiveState(store, archive), signal),
    retention: await known(() => readRetentionState(store, now), signal),
    stored: await known(() => readStored(store), signal),
    capacity: await known(() => store.capacity(), signal),
    proofs: { value: { proofs: [], unreadable: [] } },
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
