import type { Manifest } from '../../repository/manifest/manifest-reader.ts';
import type { StoreLocation } from '../../storage/object-store.ts';
import type { PieceTarget } from '../content-messages.ts';
import type { Owner } from '../durable.ts';
import type { FileContents } from '../read-contents.ts';
import { compareCopy, type Comparison } from './compare-copy.ts';
import type { KeptFile, Survey } from './survey.ts';
import { removeAll, takeOverFiles } from './take-over.ts';

/** What a restore has of an earlier copy: nothing, where it began in an empty directory. */
export interface EarlierCopy extends Comparison {
  /** Files that are there already, by their index in the manifest. */
  readonly kept: ReadonlyMap<number, KeptFile>;
  readonly removedFiles: number;
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
export async function readyCopy(survey: Survey | undefined, use: CopyUse): Promise<EarlierCopy> {
  const { manifest, owner, signal } = use;
  const { kept, removals } = survey ?? { kept: new Map<number, KeptFile>(), removals: [] };
  await removeAll(removals, signal);
  const sized = [...kept].map(([index, file]) => [file, manifest.files[index]?.size ?? 0] as const);
  await takeOverFiles(sized, owner, signal);
  const { differing, equal, comparedBytes } = await compareCopy({ ...use, kept });
  const removedFiles = removals.filter(({ kind }) => kind === 'file').length;
  return { kept, differing, equal, comparedBytes, removedFiles };
}

/** How a file that is there already is written to; `undefined` where it is not. */
export function earlierOf({ kept, differing }: EarlierCopy, index: number): PieceTarget['earlier'] {
  if (!kept.has(index)) return undefined;
  return differing.has(index) ? 'overwrite' : 'compare';
}

/** What the whole file holds: what was as it should be, and what was read from the backup. */
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
