import { readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { LarderError } from '../../errors.ts';
import { lookInto, serverThere, type TargetDirectory } from '../target-directory.ts';
import { UNFINISHED_MARKER } from '../unfinished-marker.ts';
import { judgeCopy, readIdentity, type Lineage } from './copy-identity.ts';

const STOP_IT =
  'Stop the server. If it is gone already (the host crashed) and none runs on this directory, remove its postmaster.pid.';

/**
 * Looks at a data directory that a restore shall bring to the backup's content.
 * @throws LarderError RESTORE_REFUSED where it holds something else than a copy of the same cluster, or a server
 */
export async function inspectCopy(directory: string, lineage: Lineage): Promise<TargetDirectory> {
  const { path, state, found } = await lookInto(directory);
  if (state !== 'filled') return { path, state };
  if (found.includes('postmaster.pid')) throw await serverThere(path, STOP_IT);
  const verdict = judgeCopy(await readIdentity(path), lineage);
  if (typeof verdict === 'string') return { path, state: verdict };
  throw new LarderError('RESTORE_REFUSED', `${path} ${verdict.why}`, { hint: verdict.hint });
}

/** A tablespace of the backup, and the data directory whose copy may use it. */
export interface CopySpace {
  readonly oid: number;
  /** Absolute. */
  readonly directory: string;
  /** Whether the user named the directory for it. */
  readonly named: boolean;
  readonly dataDirectory: string;
}

/**
 * The same for the directory of a tablespace. Nothing in it tells whose it is, and the links of a copy made by hand lead to its
 * source's: so a filled one has to be named, the copy's own link has to lead to it, and nothing else may be in it.
 * @throws LarderError RESTORE_REFUSED
 */
export async function inspectCopySpace(space: CopySpace, lineage: Lineage): Promise<TargetDirectory> {
  const { path, state, found } = await lookInto(space.directory);
  if (state !== 'filled') return { path, state };
  const option = `--tablespace ${space.oid}=${path}`;
  const identity = await readIdentity(path);
  if (identity.marked) {
    const verdict = judgeCopy({ ...identity, version: undefined }, lineage);
    if (typeof verdict === 'string') return { path, state: verdict };
    throw new LarderError('RESTORE_REFUSED', `${path} ${verdict.why}`, {
      hint: 'Name another directory for the tablespace.',
    });
  }
  if (!(await linksTo(space, path)))
    throw refused(`${path} is not empty, and is not tablespace ${space.oid} of ${space.dataDirectory}`);
  const strange = found.find(
    (name) => !name.startsWith(`PG_${lineage.major}_`) && name !== UNFINISHED_MARKER,
  );
  if (strange !== undefined)
    throw refused(`${path} holds ${strange}, which belongs to no tablespace of PostgreSQL ${lineage.major}`);
  if (space.named) return { path, state: 'copy' };
  throw new LarderError(
    'RESTORE_REFUSED',
    `${path} is not empty; it may be the tablespace of the server that was backed up`,
    {
      hint: `Where it belongs to the copy alone, say so with ${option}; else name an empty directory there.`,
    },
  );
}

async function linksTo({ oid, dataDirectory }: CopySpace, path: string): Promise<boolean> {
  const link = join(dataDirectory, 'pg_tblspc', String(oid));
  try {
    await readlink(link);
    return (await realpath(link)) === path;
  } catch {
    return false;
  }
}

function refused(message: string): LarderError {
  return new LarderError('RESTORE_REFUSED', message, {
    hint: 'Name an empty directory for it, or the one that pg_tblspc of the copy leads to, with --tablespace OID=DIR.',
  });
}
