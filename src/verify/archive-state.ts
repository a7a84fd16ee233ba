import { LarderError, toLarderError } from '../errors.ts';
import { formatLsn } from '../postgres/lsn.ts';
import { readCatalogue } from '../repository/catalogue.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import { readArchiveRecord, type ArchiveRecord } from '../repository/wal/archive-record.ts';
import { checkStoredWal } from '../repository/wal/check-stored-wal.ts';
import { segmentFinder, type StoredSegment } from '../repository/wal/stored-segment.ts';
import { storedTimelines } from '../repository/wal/timeline-path.ts';
import { readWalIndex, type WalIndex } from '../repository/wal/wal-index.ts';
import { archivedSystem, ARCHIVE_PREFIX } from '../repository/wal/wal-layout.ts';
import { holeError, reachOfBackup } from '../restore/recovery/reach.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** What is stored of one cluster's log. */
export interface ArchiveFacts {
  readonly systemIdentifier: string;
  readonly major: number;
  /** Bytes. */
  readonly segmentSize: number;
  readonly segments: number;
  readonly tails: number;
  readonly storedBytes: number;
  readonly timelines: readonly number[];
  /** Everything before it is stored, as the receiver said last; undefined: it never did. */
  readonly position: string | undefined;
  /** Until when everything that was committed is stored, ISO 8601. */
  readonly complete: string | undefined;
}

export interface BackupReach {
  readonly id: string;
  /** LSN, or why it cannot be told. */
  readonly reaches: string;
  /** The first position that is missing, when more is stored behind it. */
  readonly hole: string | undefined;
}

export interface ArchiveState {
  readonly archives: readonly ArchiveFacts[];
  readonly backups: readonly BackupReach[];
  /** Everything that is missing or damaged, each once. */
  readonly problems: readonly LarderError[];
  /** Whether the stored bytes were read. */
  readonly read: boolean;
}

export interface ArchiveStateOptions {
  readonly read: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void;
}

/**
 * Looks at everything that is stored of the log, and at what it means for each backup. It writes nothing.
 * @throws LarderError what could not be looked at: that is no verdict
 */
export async function readArchiveState(
  store: ObjectStore,
  options: ArchiveStateOptions,
): Promise<ArchiveState> {
  const { backups } = await readCatalogue(store);
  const archives: ArchiveFacts[] = [];
  const reaches: BackupReach[] = [];
  const problems: LarderError[] = [];
  for (const system of await archivedSystems(store)) {
    const archive = await recordOf(store, system);
    const index = await readWalIndex(store, archive);
    archives.push(describe(archive, index));
    problems.push(...index.damaged);
    if (options.read) problems.push(...(await damageIn(store, { archive, index }, options)));
    const own = backups.filter(({ systemIdentifier }) => systemIdentifier === system);
    reaches.push(...own.map((backup) => reachOf(index, backup, problems)));
  }
  return { archives, backups: reaches, problems: onceEach(problems), read: options.read };
}

async function archivedSystems(store: ObjectStore): Promise<Set<string>> {
  const systems = new Set<string>();
  for await (const { name } of store.list(ARCHIVE_PREFIX)) {
    const system = archivedSystem(name);
    if (system !== undefined) systems.add(system);
  }
  return systems;
}

async function recordOf(store: ObjectStore, system: string): Promise<ArchiveRecord> {
  const record = await readArchiveRecord(store, system);
  if (record !== undefined) return record;
  throw new LarderError(
    'OBJECT_MISSING',
    `the archive of system ${system} has lost its record, archive.json`,
    {
      hint: 'Bring it back from a copy; "larder wal receive" on the same server makes it anew.',
    },
  );
}

function describe({ systemIdentifier, major, segmentSize }: ArchiveRecord, index: WalIndex): ArchiveFacts {
  const { position } = index;
  const { complete } = position ?? {};
  return {
    systemIdentifier,
    major,
    segmentSize,
    segments: index.segments.length,
    tails: index.tails.length,
    storedBytes: index.storedBytes,
    timelines: storedTimelines(index),
    position: position === undefined ? undefined : formatLsn(position.stored),
    complete: complete === undefined ? undefined : new Date(complete).toISOString(),
  };
}

async function damageIn(
  store: ObjectStore,
  { archive, index }: { readonly archive: ArchiveRecord; readonly index: WalIndex },
  { signal, onProgress }: ArchiveStateOptions,
): Promise<LarderError[]> {
  const found: LarderError[] = [];
  const segments = everySegment(index);
  const totalBytes = segments.reduce((sum, { end }) => sum + end, 0);
  await checkStoredWal(store, segments, {
    archive,
    decompress: false,
    signal,
    onProgress: (doneBytes) => onProgress({ doneBytes, totalBytes }),
    onDamage: (damage) => found.push(damage),
  });
  return found;
}

function everySegment(index: WalIndex): StoredSegment[] {
  const find = segmentFinder(index);
  const all = [...index.segments, ...index.tails.map(({ segment }) => segment)];
  const once = new Map(all.map((segment) => [`${segment.timeline}/${segment.number}`, segment]));
  return [...once.values()].flatMap((segment) => find(segment) ?? []);
}

function reachOf(index: WalIndex, backup: CommitRecord, problems: LarderError[]): BackupReach {
  try {
    const reach = reachOfBackup(index, backup, 'latest');
    const { hole, until, from } = reach;
    const reaches = until === from ? 'its own end' : formatLsn(until);
    if (hole === undefined) return { id: backup.id, reaches, hole: undefined };
    problems.push(holeError(index, { ...reach, hole }, { backup, wanted: 'the end of the archive' }));
    return { id: backup.id, reaches, hole: formatLsn(hole.start) };
  } catch (thrown) {
    const error = toLarderError(thrown);
    problems.push(error);
    return { id: backup.id, reaches: `unknown: ${error.message}`, hole: undefined };
  }
}

function onceEach(problems: readonly LarderError[]): LarderError[] {
  return [...new Map(problems.map((problem) => [problem.message, problem])).values()];
}
