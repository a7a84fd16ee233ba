import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../../errors.ts';
import { CONTROL_FILE } from '../control-file.ts';
import { markedSystem, UNFINISHED_MARKER } from '../unfinished-marker.ts';

/** The cluster that a backup is of. */
export interface Lineage {
  /** As text: 64 bits. */
  readonly systemIdentifier: string;
  readonly major: number;
}

/** What a directory says of the cluster that it holds a copy of. */
export interface CopyIdentity {
  /** The system identifier of global/pg_control; undefined where there is none. */
  readonly controlSystem: string | undefined;
  /** Whether a restore into it was broken off. */
  readonly marked: boolean;
  /** The system identifier that its marker names; undefined where it names none. */
  readonly markedSystem: string | undefined;
  /** The text of PG_VERSION. */
  readonly version: string | undefined;
}

/** What can be made of a directory; a refusal says why not, and what to do. */
export type CopyVerdict = 'copy' | 'unfinished' | { readonly why: string; readonly hint: string };

/**
 * Whether a directory holds a copy of the backup's cluster, of which a restore may keep what is as it should be. Without
 * pg_control, which goes first, the marker says what it was. `unfinished`: nobody knows of which cluster,
 * but it is a broken-off restore's, which the next one may clear.
 */
export function judgeCopy(found: CopyIdentity, wanted: Lineage): CopyVerdict {
  const system = found.controlSystem ?? found.markedSystem;
  if (system === undefined) {
    if (found.marked) return 'unfinished';
    return {
      why: 'is not empty and is no data directory: it has no global/pg_control',
      hint: 'Name the directory of an earlier copy of the same cluster, or an empty one.',
    };
  }
  if (system !== wanted.systemIdentifier) {
    return {
      why: `belongs to another cluster: its system identifier is ${system}, the backup's ${wanted.systemIdentifier}`,
      hint: 'Name the directory of an earlier copy of the same cluster, or an empty one.',
    };
  }
  const major = found.version?.trim();
  if (major === String(wanted.major) || (major === undefined && found.marked)) return 'copy';
  return {
    why: `is not a data directory of PostgreSQL ${wanted.major}: PG_VERSION ${major === undefined ? 'is missing' : `says ${major}`}`,
    hint: 'Name the directory of an earlier copy of the same cluster, or an empty one.',
  };
}

/** Only reads. Throws what the file system says. */
export async function readIdentity(directory: string): Promise<CopyIdentity> {
  const marker = await beginningOf(join(directory, UNFINISHED_MARKER), 4096);
  const version = await beginningOf(join(directory, 'PG_VERSION'), 64);
  return {
    controlSystem: await controlSystem(directory),
    marked: marker !== undefined,
    markedSystem: marker === undefined ? undefined : markedSystem(marker.toString('utf8')),
    version: version?.toString('utf8'),
  };
}

/** The first eight bytes, little-endian (pg_control.h). What lies behind a link is not the directory's own. */
async function controlSystem(directory: string): Promise<string | undefined> {
  const global = await lstat(join(directory, 'global')).catch(() => undefined);
  if (global?.isDirectory() !== true) return undefined;
  const bytes = await beginningOf(join(directory, CONTROL_FILE), 8);
  return bytes?.length === 8 ? String(bytes.readBigUInt64LE()) : undefined;
}

async function beginningOf(path: string, most: number): Promise<Buffer | undefined> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(most), 0, most, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    // a link is nothing that a restore made
    if (['ENOENT', 'ELOOP', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) return undefined;
    throw error;
  }
}
