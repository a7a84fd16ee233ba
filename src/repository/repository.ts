import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { Clock } from '../clock.ts';
import { LarderError } from '../errors.ts';
import type { ObjectStore, StoreLocation } from '../storage/object-store.ts';
import { formatVersion, parseJsonObject } from './sealed-json.ts';
import { REPOSITORY_FILE } from './layout.ts';
import { FORMAT_VERSION } from './object-header.ts';

/** A cluster as long as its data can be followed: `pg_upgrade` and `initdb` begin another lineage. */
export interface Lineage {
  readonly systemIdentifier: string;
  readonly major: number;
}

const schema = z.strictObject({
  format: z.literal('larder-repository'),
  formatVersion,
  id: z.uuid(),
  created: z.iso.datetime(),
  cipher: z.literal('none'),
  keySlots: z.array(z.never()),
  lineages: z.array(
    z.strictObject({ systemIdentifier: z.string(), major: z.number().int(), since: z.iso.datetime() }),
  ),
});

export type RepositoryRecord = z.infer<typeof schema>;

/** A repository that was opened: its store, and what its own record says. */
export interface Repository {
  readonly store: ObjectStore;
  readonly location: StoreLocation;
  readonly record: RepositoryRecord;
}

const RECORD_LIMIT = 1024 * 1024;

/**
 * Opens a repository for reading.
 * @throws LarderError REPOSITORY_MISSING when there is nothing at all; REPOSITORY_DAMAGED when there are objects but no
 *   readable record; REPOSITORY_NEWER_FORMAT; whatever the store throws
 */
export async function openRepository(store: ObjectStore, location: StoreLocation): Promise<Repository> {
  const record = await readRecord(store);
  if (record !== undefined) return { store, location, record };
  for await (const object of store.list('')) {
    // somebody may have made it since it was looked for
    const made = await readRecord(store);
    if (made !== undefined) return { store, location, record: made };
    throw damaged(`${store.description} holds ${object.name} but no ${REPOSITORY_FILE}`);
  }
  throw new LarderError('REPOSITORY_MISSING', `there is no repository at ${store.description}`, {
    hint: 'The first "larder backup" makes one; for an existing one, check BACKUP_DIR and that its volume is mounted.',
  });
}

/**
 * Opens the repository for writing backups of one lineage, and makes it when the place is empty.
 * @throws LarderError as `openRepository`, and REPOSITORY_OTHER_CLUSTER
 */
export async function openOrCreateRepository(
  store: ObjectStore,
  location: StoreLocation,
  { lineage, clock }: { readonly lineage: Lineage; readonly clock: Clock },
): Promise<Repository> {
  const repository = await openRepository(store, location).catch(async (error: unknown) => {
    if (!(error instanceof LarderError) || error.code !== 'REPOSITORY_MISSING') throw error;
    await createRecord(store, lineage, new Date(clock.now()).toISOString());
    return openRepository(store, location);
  });
  assertLineage(repository, lineage);
  return repository;
}

/**
 * Asks whether the repository is still there, before something is added to it on its own: where its volume was unmounted,
 * a directory of the same name would be filled that nobody looks into.
 * @throws LarderError REPOSITORY_MISSING, the store's errors
 */
export async function assertPresent(store: ObjectStore): Promise<void> {
  if ((await store.stat(REPOSITORY_FILE)) !== undefined) return;
  throw new LarderError('REPOSITORY_MISSING', `the repository is not at ${store.description} any more`, {
    hint: 'Check that its volume is mounted.',
  });
}

/** @throws LarderError REPOSITORY_OTHER_CLUSTER */
export function assertLineage({ record, store }: Repository, lineage: Lineage): void {
  const known = record.lineages.some(
    (own) => own.systemIdentifier === lineage.systemIdentifier && own.major === lineage.major,
  );
  if (known) return;
  const held = record.lineages
    .map((own) => `PostgreSQL ${own.major}, system ${own.systemIdentifier}`)
    .join('; ');
  throw new LarderError(
    'REPOSITORY_OTHER_CLUSTER',
    `${store.description} belongs to another cluster (${held}) than the server (PostgreSQL ${lineage.major}, system ${lineage.systemIdentifier})`,
    {
      hint: 'After pg_upgrade or initdb use a new, empty BACKUP_DIR and keep the old one; else check that DATABASE_URL and BACKUP_DIR belong together.',
    },
  );
}

async function readRecord(store: ObjectStore): Promise<RepositoryRecord | undefined> {
  try {
    return decodeRecord(await store.get(REPOSITORY_FILE, RECORD_LIMIT), store.description);
  } catch (error) {
    if (error instanceof LarderError && error.code === 'OBJECT_MISSING') return undefined;
    if (error instanceof LarderError && error.code === 'OBJECT_DAMAGED') throw damaged(error.message, error);
    throw error;
  }
}

async function createRecord(store: ObjectStore, lineage: Lineage, now: string): Promise<void> {
  const record: RepositoryRecord = {
    format: 'larder-repository',
    formatVersion: FORMAT_VERSION,
    id: randomUUID(),
    created: now,
    cipher: 'none',
    keySlots: [],
    lineages: [{ ...lineage, since: now }],
  };
  try {
    await store.putIfAbsent(REPOSITORY_FILE, Buffer.from(`${JSON.stringify(record, null, 2)}\n`));
  } catch (error) {
    // somebody made it at the same moment: theirs counts, and its lineage is checked like any other
    if (!(error instanceof LarderError) || error.code !== 'OBJECT_EXISTS') throw error;
  }
}

function decodeRecord(bytes: Uint8Array, where: string): RepositoryRecord {
  const json = parseJsonObject(bytes, `${REPOSITORY_FILE} of ${where}`);
  if (typeof json['formatVersion'] === 'number' && json['formatVersion'] > FORMAT_VERSION) {
    throw new LarderError(
      'REPOSITORY_NEWER_FORMAT',
      `${where} has format ${json['formatVersion']}; this release reads up to ${FORMAT_VERSION}`,
      { hint: 'Use the release of Larder that wrote it, or a later one.' },
    );
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw damaged(`${REPOSITORY_FILE} of ${where} cannot be read: ${z.prettifyError(parsed.error)}`);
}

function damaged(message: string, cause?: Error): LarderError {
  return new LarderError('REPOSITORY_DAMAGED', message, {
    hint: `Put ${REPOSITORY_FILE} back from a copy, or name an empty place for a new repository.`,
    cause,
  });
}
