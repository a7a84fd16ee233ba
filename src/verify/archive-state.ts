import { toLarderError, type LarderError } from '../errors.ts';
import { chainOf } from '../repository/backup-chain.ts';
import { readCatalogue } from '../repository/catalogue.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import { findArchive } from '../repository/wal/archive-record.ts';
import { checkStoredWal } from '../repository/wal/check-stored-wal.ts';
import type { ReceivedPosition } from '../repository/wal/received-position.ts';
import { segmentFinder, type StoredSegment } from '../repository/wal/stored-segment.ts';
import { storedTimelines } from '../repository/wal/timeline-path.ts';
import { readWalIndex, type WalIndex } from '../repository/wal/wal-index.ts';
import { archivedSystem, ARCHIVE_PREFIX } from '../repository/wal/wal-layout.ts';
import { rollForwardOf, type ListedArchive, type RollForward } from '../restore/recovery/roll-forward.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { archiveHoles, holeProblem, lostHistories, unknownEnd, type ArchiveHole } from './archive-holes.ts';
import { recoveryWindows, type RecoveryWindow } from './recovery-windows.ts';

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
  /** How far the receiver was, and when; undefined: nothing says so. */
  readonly received: ReceivedPosition | undefined;
  /** Between which points a restore can stop anywhere, oldest first. */
  readonly windows: readonly RecoveryWindow[];
  readonly holes: readonly ArchiveHole[];
}

export interface ArchiveState {
  readonly archives: readonly ArchiveFacts[];
  readonly backups: readonly RollForward[];
  /** Everything that is missing and needed, or damaged, each once. */
  readonly problems: readonly LarderError[];
  /** Whether the stored bytes were read. */
  readonly read: boolean;
}

export interface ArchiveStateOptions {
  readonly read: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void;
}

/** Of one cluster. */
interface Looked {
  readonly facts: readonly ArchiveFacts[];
  readonly backups: readonly RollForward[];
  readonly problems: readonly LarderError[];
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
  const looked: Looked[] = [];
  for (const system of await archivedSystems(store)) {
    const own = backups.filter(({ systemIdentifier }) => systemIdentifier === system);
    looked.push(await lookAt(store, { system, backups: own }, options));
  }
  return {
    archives: looked.flatMap(({ facts }) => facts),
    backups: looked.flatMap(({ backups: each }) => each),
    problems: onceEach(looked.flatMap(({ problems }) => problems)),
    read: options.read,
  };
}

async function archivedSystems(store: ObjectStore): Promise<Set<string>> {
  const systems = new Set<string>();
  for await (const { name } of store.list(ARCHIVE_PREFIX)) {
    const system = archivedSystem(name);
    if (system !== undefined) systems.add(system);
  }
  return systems;
}

async function lookAt(
  store: ObjectStore,
  { system, backups }: { readonly system: string; readonly backups: readonly CommitRecord[] },
  options: ArchiveStateOptions,
): Promise<Looked> {
  try {
    const archive = await findArchive(store, system);
    if (archive === undefined) return { facts: [], backups: [], problems: [] };
    const listed = { archive, index: await readWalIndex(store, archive) };
    const found = await judge(store, listed, backups);
    const damage = options.read ? await damageIn(store, listed, options) : [];
    return { ...found, problems: [...found.problems, ...damage] };
  } catch (thrown) {
    const error = toLarderError(thrown);
    if (error.code !== 'OBJECT_MISSING' && error.code !== 'OBJECT_DAMAGED') throw error;
    return { facts: [], backups: [], problems: [error] };
  }
}

/** What the names say, and the small records. */
async function judge(
  store: ObjectStore,
  listed: ListedArchive,
  backups: readonly CommitRecord[],
): Promise<Looked> {
  const { index } = listed;
  const reaches: RollForward[] = [];
  for (const backup of backups) reaches.push(await rollForwardOf(store, listed, backup));
  const holes = archiveHoles(index, reaches);
  const problems = [
    ...index.damaged,
    ...lostHistories(index),
    ...reaches.flatMap(({ problem }) => problem ?? []),
    ...holes.filter(({ needed }) => needed).map(holeProblem),
    ...unknownEnd(index),
  ];
  const windows = recoveryWindows(usable(backups, reaches));
  return { facts: [{ ...describe(listed), windows, holes }], backups: reaches, problems };
}

/** Without the backups whose source was damaged, or whose chain has lost a member: they open no window. */
function usable(backups: readonly CommitRecord[], reaches: readonly RollForward[]): RollForward[] {
  const byId = new Map(backups.map((backup) => [backup.id, backup]));
  return reaches.filter(({ backup: id }) => {
    const backup = byId.get(id);
    return backup?.state === 'complete' && chainOf(backup, byId) !== undefined;
  });
}

function describe({ archive, index }: ListedArchive): Omit<ArchiveFacts, 'windows' | 'holes'> {
  const { systemIdentifier, major, segmentSize } = archive;
  return {
    systemIdentifier,
    major,
    segmentSize,
    segments: index.segments.length,
    tails: index.tails.length,
    storedBytes: index.storedBytes,
    timelines: storedTimelines(index),
    received: index.received,
  };
}

async function damageIn(
  store: ObjectStore,
  { archive, index }: ListedArchive,
  { signal, onProgress }: ArchiveStateOptions,
): Promise<LarderError[]> {
  const found: LarderError[] = [];
  const segments = everySegment(index);
  const totalBytes = segments.reduce((sum, { end }) => sum + end, 0);
  await checkStoredWal(store, segments, {
    archive,
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

function onceEach(problems: readonly LarderError[]): LarderError[] {
  return [...new Map(problems.map((problem) => [problem.message, problem])).values()];
}
