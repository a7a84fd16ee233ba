import { LarderError, toLarderError } from '../errors.ts';
import { quoteIdentifier } from '../postgres/sql/quote.ts';
import { readCatalogue } from '../repository/catalogue.ts';
import { expectRepository } from '../repository/expect-repository.ts';
import { probeStore } from '../repository/probe.ts';
import { assertLineage, openRepository, type Lineage, type Repository } from '../repository/repository.ts';
import type { ObjectStore, StoreLocation } from '../storage/object-store.ts';
import { errorRow, lookAt, type CheckRow } from './check-row.ts';
import { formatBytes, plural } from '../format.ts';

/** What the repository is held against. */
export interface RepositoryExpectations {
  readonly cluster: string;
  /** Whether backups were stored in it before. */
  readonly expected: boolean;
  /** Of the server; `undefined` when it could not be asked. */
  readonly lineage: Lineage | undefined;
  /** Bytes of the whole cluster; `undefined` when they are not known. */
  readonly clusterSize: number | undefined;
  /** The role that asks the server. */
  readonly role: string;
}

const NAME = 'repository';

/** Looks at the repository: whether it is there, takes bytes and gives them back, has room, belongs to the cluster. */
export async function checkRepository(
  { store, location }: { readonly store: ObjectStore; readonly location: StoreLocation },
  expectations: RepositoryExpectations,
): Promise<readonly CheckRow[]> {
  const opened = await open(store, location, expectations);
  const { lineage } = expectations;
  const found =
    opened instanceof LarderError ? missingRow(opened, store, expectations) : await foundRow(opened);
  const rows: CheckRow[] = [found];
  if (!(opened instanceof LarderError) && lineage !== undefined) rows.push(await lineageRow(opened, lineage));
  // nothing is written where a volume seems not to be mounted
  if (found.state !== 'error') {
    rows.push(await probeRow(store), await spaceRow(store, expectations));
  }
  return rows;
}

async function open(
  store: ObjectStore,
  location: StoreLocation,
  { cluster, expected }: RepositoryExpectations,
): Promise<Repository | LarderError> {
  try {
    return await (expected ? expectRepository(store, location, cluster) : openRepository(store, location));
  } catch (error) {
    return toLarderError(error);
  }
}

function missingRow(error: LarderError, store: ObjectStore, { expected }: RepositoryExpectations): CheckRow {
  if (error.code !== 'REPOSITORY_MISSING' || expected) return errorRow(NAME, error);
  return { name: NAME, state: 'ok', found: `none at ${store.description} yet: the first backup makes it` };
}

function foundRow({ store }: Repository): Promise<CheckRow> {
  return lookAt(NAME, async () => {
    const { backups, unreadable } = await readCatalogue(store);
    const found = `${store.description}, ${plural(backups.length, 'backup')}`;
    if (unreadable.length === 0) return { state: 'ok', found };
    return {
      state: 'warning',
      found: `${found}, and ${unreadable.length} whose commit record cannot be read`,
      mend: 'larder list names them; take a new full backup',
    };
  });
}

function lineageRow(repository: Repository, lineage: Lineage): Promise<CheckRow> {
  return lookAt('cluster of the repository', () => {
    assertLineage(repository, lineage);
    return Promise.resolve({ state: 'ok', found: `system ${lineage.systemIdentifier}, as the server` });
  });
}

function probeRow(store: ObjectStore): Promise<CheckRow> {
  return lookAt('write and read back', async () => {
    await probeStore(store);
    return { state: 'ok', found: `${store.description} took an object and gave it back` };
  });
}

function spaceRow(
  store: ObjectStore,
  { clusterSize, lineage, role }: RepositoryExpectations,
): Promise<CheckRow> {
  return lookAt('free space', async () => {
    const capacity = await store.capacity();
    if (capacity === undefined) return { state: 'ok', found: 'no limit' };
    const free = `${formatBytes(capacity.free)} of ${formatBytes(capacity.total)}`;
    if (clusterSize === undefined) {
      const row = { state: 'unknown', found: `${free}; the size of the cluster is not known` } as const;
      // a server that could not be asked has a row of its own
      return lineage === undefined
        ? row
        : { ...row, mend: `GRANT pg_read_all_stats TO ${quoteIdentifier(role)};` };
    }
    const found = `${free}; the cluster has ${formatBytes(clusterSize)} before compression`;
    if (capacity.free >= clusterSize) return { state: 'ok', found };
    return {
      state: 'warning',
      found,
      mend: `make room at ${store.description}, or choose another BACKUP_DIR`,
    };
  });
}
