import { lstatSync } from 'node:fs';
import { lstat, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import type { CommitRecord } from '../../repository/commit-record.ts';
import type { Manifest } from '../../repository/manifest/manifest-reader.ts';
import { writeDurably, type Owner, type PathLike } from '../durable.ts';
import type { BelievedFile } from './believed-files.ts';
import { manifestSha256, readBootId } from './earlier-restore.ts';
import { datesEveryChange, isSettled, stampOf, TICKS_OVER } from './file-stamp.ts';
import { encodeFilesRecord, FILES_RECORD, type FilesRecord, type RecordedFile } from './files-record.ts';

/** Files looked at before anybody else gets a turn on this thread. */
const AT_A_TIME = 512;

/** What was restored, and where. */
export interface RestoredFiles {
  readonly backup: CommitRecord;
  readonly manifest: Manifest;
  /** The data directory first. */
  readonly directories: readonly string[];
  /** Where each file lies; `undefined` for one that was not restored. */
  readonly pathOf: (index: number) => PathLike | undefined;
  readonly believed: ReadonlyMap<number, BelievedFile>;
}

/**
 * Looks at all files once their content is proven, and before any of them is adapted to the copy: what changes from then on
 * changes its stamp.
 * @returns undefined where nothing can be said that would hold
 */
export async function observeFiles(
  restored: RestoredFiles,
  clock: Clock,
  signal: AbortSignal,
): Promise<FilesRecord | undefined> {
  try {
    return await observeAll(restored, clock, signal);
  } catch {
    signal.throwIfAborted();
    // a full disk has no room even for a look at its clock; the restore is whole all the same
    return undefined;
  }
}

async function observeAll(
  restored: RestoredFiles,
  clock: Clock,
  signal: AbortSignal,
): Promise<FilesRecord | undefined> {
  const [bootId, sha256] = [await readBootId(), manifestSha256(restored.backup)];
  const devices = await datedDevices(restored.directories);
  const [dataDirectory] = restored.directories;
  if (bootId === undefined || sha256 === undefined || dataDirectory === undefined) return undefined;
  await clock.sleep(TICKS_OVER, signal);
  const [time, now] = [clock.now(), await fileSystemTime(dataDirectory)];
  const files = new Map<number, RecordedFile>();
  for (const index of restored.manifest.files.keys()) {
    const stamp = observe(restored, index, { devices, now });
    const proven = restored.believed.get(index)?.proven ?? time;
    if (stamp !== undefined) files.set(index, { stamp, proven });
    if (index % AT_A_TIME === 0) await setImmediate();
    signal.throwIfAborted();
  }
  return { backup: restored.backup.id, manifestSha256: sha256, bootId, time, files };
}

/** The stamp of a file that says all of it. */
function observe(
  { manifest, pathOf }: RestoredFiles,
  index: number,
  { devices, now }: { readonly devices: ReadonlySet<bigint>; readonly now: bigint },
): string | undefined {
  const path = pathOf(index);
  if (path === undefined) return undefined;
  const stats = lstatSync(path, { bigint: true });
  const isOurs = stats.isFile() && stats.nlink === 1n && Number(stats.size) === manifest.files[index]?.size;
  return isOurs && devices.has(stats.dev) && isSettled(stats, now) ? stampOf(stats) : undefined;
}

async function datedDevices(directories: readonly string[]): Promise<ReadonlySet<bigint>> {
  const devices = new Set<bigint>();
  for (const directory of directories) {
    if (!datesEveryChange((await statfs(directory)).type)) continue;
    devices.add((await lstat(directory, { bigint: true })).dev);
  }
  return devices;
}

/** The time that a change gets there now, nanoseconds. Files on other disks get theirs from the same clock. */
async function fileSystemTime(directory: string): Promise<bigint> {
  const path = join(directory, `${FILES_RECORD}.time`);
  await writeFile(path, '', { mode: 0o600 });
  const { ctimeNs } = await lstat(path, { bigint: true });
  await rm(path);
  return ctimeNs;
}

/** Leaves the record, durably, once everything that it speaks of is. A restore is whole without it: no failure ends that. */
export async function leaveRecord(
  directory: string,
  record: FilesRecord | undefined,
  owner: Owner | undefined,
): Promise<void> {
  if (record === undefined || record.files.size === 0) return;
  const path = join(directory, FILES_RECORD);
  try {
    await writeDurably(path, encodeFilesRecord(record), owner);
  } catch {
    // a full disk; the next restore over the copy then reads it all
    await rm(`${path}.larder`, { force: true });
  }
}
