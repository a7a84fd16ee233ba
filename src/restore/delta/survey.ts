import { lstatSync, readdirSync, type BigIntStats, type Stats } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { LarderError, systemErrorCode } from '../../errors.ts';
import { pathFromBytes } from '../../postgres/path-bytes.ts';
import type { PathLike } from '../durable.ts';
import { IGNORED } from '../target-directory.ts';
import { UNFINISHED_MARKER } from '../unfinished-marker.ts';
import { stampOf } from './file-stamp.ts';

/** What the backup has, and where it is looked for. */
export interface Wanted {
  /** Indexes into the manifest's files, by path: those of which an earlier version is of use. */
  readonly files: ReadonlyMap<string, number>;
  readonly directories: ReadonlySet<string>;
  /** Where the walks begin: the entry's path (empty: the data directory), and the directory on this machine. */
  readonly roots: readonly { readonly entry: string; readonly directory: string }[];
  /** Entries that will be links, made anew. */
  readonly links: ReadonlySet<string>;
  /** Files that are written by themselves: they neither stay nor count as what does not belong. */
  readonly apart: ReadonlySet<string>;
  /** Paths of this machine. */
  readonly mountPoints: ReadonlySet<string>;
}

/** A file that stays, as it is now. */
export interface KeptFile {
  readonly path: PathLike;
  readonly stats: Pick<Stats, 'size' | 'mode' | 'uid' | 'gid'>;
  /** Changes with every change of it. */
  readonly stamp: string;
}

export interface Removal {
  readonly path: PathLike;
  readonly kind: 'file' | 'directory';
}

export interface Survey {
  /** By their index in the manifest. */
  readonly kept: ReadonlyMap<number, KeptFile>;
  /** What does not belong, what lies in a directory before the directory. */
  readonly removals: readonly Removal[];
  /** What everything takes of the disk now, bytes by root directory. */
  readonly occupied: ReadonlyMap<string, number>;
}

export interface Found {
  readonly kind: 'file' | 'directory' | 'other';
  /** Names that the file has. */
  readonly links: number;
  readonly mounted: boolean;
}

/**
 * What becomes of something found in the target. Only plain files and directories of its own are used: through a link,
 * or under a second name, a write would reach what is not part of the target. What is mounted cannot be removed, and its content
 * is somebody else's; a directory that is wanted may be a volume.
 */
export function fateOf(found: Found, wanted: 'file' | 'directory' | undefined): Fate {
  if (found.kind === 'directory' && wanted === 'directory') return 'enter';
  if (found.mounted) return 'refuse';
  if (found.kind === 'file' && wanted === 'file' && found.links === 1) return 'keep';
  return 'remove';
}

export type Fate = 'keep' | 'enter' | 'remove' | 'refuse';

/** Entries looked at before anybody else gets a turn on this thread. */
const AT_A_TIME = 512;

/**
 * Looks at everything in the targets that hold a copy. It writes nothing, and follows no link.
 * @throws LarderError RESTORE_REFUSED where something is mounted that does not belong
 */
export async function surveyCopy(wanted: Wanted): Promise<Survey> {
  const walk = new Walk(wanted);
  for (const { entry, directory } of wanted.roots) await walk.root(entry, directory);
  return walk;
}

class Walk implements Survey {
  readonly kept = new Map<number, KeptFile>();
  readonly removals: Removal[] = [];
  readonly occupied = new Map<string, number>();
  readonly #wanted: Wanted;
  #root = '';
  #count = 0;

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
  }

  async root(entry: string, directory: string): Promise<void> {
    this.#root = directory;
    this.occupied.set(directory, 0);
    await this.#inside(entry, directory, { isRoot: true, isWanted: true });
  }

  async #inside(
    entry: string,
    directory: PathLike,
    { isRoot, isWanted }: { readonly isRoot: boolean; readonly isWanted: boolean },
  ): Promise<void> {
    for (const bytes of readdirSync(directory, { encoding: 'buffer' })) {
      const name = pathFromBytes(bytes);
      if (isRoot && (IGNORED.has(name) || name === UNFINISHED_MARKER)) continue;
      await this.#entry(entry === '' ? name : `${entry}/${name}`, childOf(directory, bytes), isWanted);
      this.#count += 1;
      if (this.#count % AT_A_TIME === 0) await setImmediate();
    }
  }

  async #entry(entry: string, path: PathLike, isParentWanted: boolean): Promise<void> {
    const stats = statsOf(path);
    if (stats === undefined || (this.#wanted.apart.has(entry) && !stats.isDirectory())) return;
    this.occupied.set(this.#root, (this.occupied.get(this.#root) ?? 0) + Number(stats.blocks) * 512);
    const wanted = isParentWanted ? this.#kindWanted(entry) : undefined;
    switch (fateOf(this.#describe(path, stats), wanted)) {
      case 'enter':
        return this.#inside(entry, path, { isRoot: false, isWanted: true });
      case 'keep':
        this.#keep(entry, path, stats);
        return;
      case 'remove':
        return this.#remove(entry, path, stats.isDirectory() ? 'directory' : 'file');
      case 'refuse':
        throw mounted(entry);
    }
  }

  #keep(entry: string, path: PathLike, found: BigIntStats): void {
    const index = this.#wanted.files.get(entry);
    if (index === undefined) return;
    const stats = {
      size: Number(found.size),
      mode: Number(found.mode),
      uid: Number(found.uid),
      gid: Number(found.gid),
    };
    this.kept.set(index, { path, stats, stamp: stampOf(found) });
  }

  async #remove(entry: string, path: PathLike, kind: Removal['kind']): Promise<void> {
    if (kind === 'directory') await this.#inside(entry, path, { isRoot: false, isWanted: false });
    this.removals.push({ path, kind });
  }

  #kindWanted(entry: string): 'file' | 'directory' | undefined {
    if (this.#wanted.links.has(entry)) return undefined;
    if (this.#wanted.directories.has(entry)) return 'directory';
    return this.#wanted.files.has(entry) ? 'file' : undefined;
  }

  #describe(path: PathLike, stats: BigIntStats): Found {
    const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other';
    return { kind, links: Number(stats.nlink), mounted: this.#wanted.mountPoints.has(String(path)) };
  }
}

/** Whoever writes there at the same time may remove what was listed. */
function statsOf(path: PathLike): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** A string where both are text. */
function childOf(directory: PathLike, name: Buffer): PathLike {
  const text = pathFromBytes(name);
  if (typeof directory === 'string' && text.isWellFormed()) return `${directory}/${text}`;
  return Buffer.concat([Buffer.from(directory), Buffer.from('/'), name]);
}

function mounted(entry: string): LarderError {
  return new LarderError(
    'RESTORE_REFUSED',
    `${entry} is a mount point, and no directory of the backup: it cannot be removed`,
    {
      hint: 'Unmount it, or restore into an empty directory.',
    },
  );
}
