import { withZeros } from '../../crc32c.ts';
import type { Manifest } from '../../repository/manifest/manifest-reader.ts';
import type { FileEntry } from '../../repository/manifest/records.ts';
import type { FileContents } from '../read-contents.ts';
import type { DifferingUnits } from './differing-units.ts';
import type { FilesRecord, RecordedFile } from './files-record.ts';
import { differingByFrames, FrameIdentities } from './shared-frames.ts';
import type { KeptFile } from './survey.ts';

/**
 * After so long a file is read again although it looks as it was left, milliseconds: what a disk loses by itself shows in no
 * time, and copies are brought from backup to backup for years. Eight days: a weekly one fits in.
 */
const BELIEVED_FOR = 8 * 24 * 3600 * 1000;

/** What the belief in a record depends on, beside the files themselves. */
export interface Circumstances {
  readonly bootId: string | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Whether a server was started on the copy since. */
  readonly ranServer: boolean;
  /** Whether that does not matter. */
  readonly evenAfterServer: boolean;
}

/**
 * Why nothing of a record is believed; `undefined` where its files may be. A server's own directory is read whole: what is
 * restored over it is meant to mend it, and its damage need not show in any time.
 */
export function whyNotBelieved(
  { bootId, time }: Pick<FilesRecord, 'bootId' | 'time'>,
  { bootId: currentBoot, now, ranServer, evenAfterServer }: Circumstances,
): string | undefined {
  if (bootId !== currentBoot) return 'the machine was started since it was restored';
  if (now < time) return 'the clock was set back since it was restored';
  return ranServer && !evenAfterServer ? 'a server was started on it' : undefined;
}

/** A file of a copy whose content is known without reading it. */
export interface BelievedFile {
  /** What of it is not as the wanted backup has it. */
  readonly differing: DifferingUnits;
  /** What of it is: checksum of the whole file as it is now, at its new length; what is written over must be taken out of it. */
  readonly contents: FileContents;
  /** When it was last written or read, milliseconds since 1970. */
  readonly proven: number;
}

export interface Restored {
  readonly manifest: Manifest;
  readonly record: FilesRecord;
}

/**
 * Which files of a copy are what an earlier restore left, and what of them differs between its backup and the wanted one. Every
 * other file has to be read. Pure.
 * @param kept by their index in the wanted backup's manifest
 */
export function believedFiles(
  earlier: Restored,
  wanted: Manifest,
  kept: ReadonlyMap<number, KeptFile>,
  now: number,
): ReadonlyMap<number, BelievedFile> {
  const one = new FrameIdentities(earlier.manifest);
  const other = new FrameIdentities(wanted);
  const before = new Map<string, number>();
  earlier.manifest.files.forEach(({ path }, index) => before.set(path, index));
  const believed = new Map<number, BelievedFile>();
  for (const [index, { stamp }] of kept) {
    const after = wanted.files[index];
    const earlierIndex = before.get(after?.path ?? '') ?? -1;
    const recorded = earlier.record.files.get(earlierIndex);
    const was = earlier.manifest.files[earlierIndex];
    if (was === undefined || after === undefined || recorded?.stamp !== stamp) continue;
    if (!isRecent(recorded, now) || !isProvable(was, after)) continue;
    const differing = differingByFrames(one, earlierIndex, other, index);
    const contents = contentsKept(was, after, differing);
    if (isSound(after, contents)) believed.set(index, { differing, contents, proven: recorded.proven });
  }
  return believed;
}

/** What was read in a time to come was read by another clock. */
function isRecent({ proven }: RecordedFile, now: number): boolean {
  return proven <= now && now - proven <= BELIEVED_FOR;
}

/** The checksum of the new whole can be told from that of the old one, unless bytes at the end go. */
function isProvable(was: FileEntry, after: FileEntry): boolean {
  if (after.checksum === undefined) return true;
  return was.checksum !== undefined && was.size <= after.size;
}

/** A file grows by zeros, before anything is written. */
function contentsKept(was: FileEntry, after: FileEntry, differing: DifferingUnits): FileContents {
  const checksum = withZeros(was.checksum ?? 0, Math.max(0, after.size - was.size));
  return { checksum, bytes: after.size - differing.bytes };
}

/**
 * Where most of a file lies in other frames it may still be the same: its hashes tell, and save the writing. And two backups
 * that have a file in the same frames have the same checksum of it; else one of them is wrong.
 */
function isSound({ hashes, checksum, size }: FileEntry, { bytes, checksum: known }: FileContents): boolean {
  if (hashes !== undefined && bytes * 2 < size) return false;
  return checksum === undefined || bytes < size || checksum === known;
}
