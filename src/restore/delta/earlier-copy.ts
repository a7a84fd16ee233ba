import type { Manifest } from '../../repository/manifest/manifest-reader.ts';
import type { FileEntry } from '../../repository/manifest/records.ts';
import type { StoreLocation } from '../../storage/object-store.ts';
import type { PieceTarget } from '../content-messages.ts';
import type { Owner } from '../durable.ts';
import type { FileContents } from '../read-contents.ts';
import { compareCopy, type Comparison } from './compare-copy.ts';
import type { BelievedFile } from './believed-files.ts';
import type { Belief } from './earlier-restore.ts';
import type { KeptFile, Survey } from './survey.ts';
import { removeAll, takeOverFiles } from './take-over.ts';

/** What a restore has of an earlier copy: nothing, where it began in an empty directory. */
export interface EarlierCopy extends Comparison {
  /** Files that are there already, by their index in the manifest. */
  readonly kept: ReadonlyMap<number, KeptFile>;
  /** Those of them whose content was known without reading it. */
  readonly believed: Belief['files'];
  readonly removedFiles: number;
}

/** What was found out about a copy before anything in it was changed. */
export interface SurveyedCopy {
  readonly survey: Survey;
  readonly belief: Belief;
}

export interface CopyUse {
  readonly location: StoreLocation;
  readonly manifest: Manifest;
  readonly owner: Owner | undefined;
  readonly workers: number;
  readonly onProgress: (doneBytes: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Removes from a copy what does not belong, and finds out what of the rest is as it should be. No server can start
 * on it any more.
 */
export async function readyCopy(found: SurveyedCopy | undefined, use: CopyUse): Promise<EarlierCopy> {
  const { manifest, owner, signal } = use;
  const { kept, removals } = found?.survey ?? NO_COPY;
  const believed = found?.belief.files ?? new Map<number, BelievedFile>();
  await removeAll(removals, signal);
  const sized = [...kept].map(([index, file]) => [file, manifest.files[index]?.size ?? 0] as const);
  await takeOverFiles(sized, owner, signal);
  const unknown = new Map([...kept].filter(([index]) => !believed.has(index)));
  const { differing, equal, comparedBytes } = await compareCopy({ ...use, kept: unknown });
  const removedFiles = removals.filter(({ kind }) => kind === 'file').length;
  return {
    kept,
    believed,
    differing: new Map([
      ...differing,
      ...[...believed].map(([index, file]) => [index, file.differing] as const),
    ]),
    equal: new Map([...equal, ...[...believed].map(([index, file]) => [index, file.contents] as const)]),
    comparedBytes,
    removedFiles,
  };
}

const NO_COPY: Pick<Survey, 'kept' | 'removals'> = { kept: new Map(), removals: [] };

/** How a file that is there already is written to; `undefined` where it is not. */
export function earlierOf(
  { kept, believed, differing }: EarlierCopy,
  index: number,
  { checksum }: Pick<FileEntry, 'checksum'>,
): PieceTarget['earlier'] {
  if (!kept.has(index)) return undefined;
  if (believed.has(index) && checksum !== undefined) return 'replace';
  return differing.has(index) ? 'overwrite' : 'compare';
}

/**
 * What the whole file holds: what was as it should be, and what was read from the backup. Of a file that was not read the
 * former is the checksum of all that it held, and the latter takes what was replaced out of it again.
 */
export function contentsOf(
  { equal }: EarlierCopy,
  read: ReadonlyMap<number, FileContents>,
  index: number,
): FileContents {
  const [one, other] = [equal.get(index) ?? NOTHING, read.get(index) ?? NOTHING];
  return { checksum: (one.checksum ^ other.checksum) >>> 0, bytes: one.bytes + other.bytes };
}

const NOTHING: FileContents = { checksum: 0, bytes: 0 };

/** Bytes of kept files that could be compared only with the backup's content itself. */
export function comparedWithContent(
  { kept, differing }: EarlierCopy,
  read: ReadonlyMap<number, FileContents>,
): number {
  let bytes = 0;
  for (const index of kept.keys()) if (!differing.has(index)) bytes += read.get(index)?.bytes ?? 0;
  return bytes;
}
