import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { LarderError, systemErrorCode } from '../../errors.ts';
import { pathFromBytes, pathToBytes } from '../../postgres/path-bytes.ts';
import type { TablespaceCreation } from '../../postgres/wal-tablespace-creation.ts';

/** Which tablespaces a copy's log may not make: those whose directory is another server's already, or all that are not its own. */
export type KeepOut = 'occupied' | 'everything';

/** Of servers, in a tablespace: `PG_<major>_<catalog version>`. */
const SERVERS_DIRECTORY = /^PG_/;

/**
 * Why a copy must not make this tablespace: replaying the creation takes the original's directory, whatever is there, and the
 * copy of a server that runs on this host would write its own, older pages into the other's files, in silence
 * (create_tablespace_directories takes a directory that exists while it recovers; seen on 15 and 18). What an earlier start of
 * the same recovery made, or the restore itself, is the copy's own.
 * @param own directories of the copy's tablespaces
 * @returns RESTORE_REFUSED; undefined where it may
 */
export async function problemOfMaking(
  { oid, location }: TablespaceCreation,
  { keepOut, own }: { readonly keepOut: KeepOut; readonly own: readonly string[] },
): Promise<LarderError | undefined> {
  if (location === '') return undefined;
  const place = await resolved(location);
  const ownPlaces = await Promise.all(own.map(resolved));
  if (place !== undefined && ownPlaces.includes(place)) return undefined;
  const what = `the log makes tablespace ${oid} in ${location.toWellFormed()}`;
  if (keepOut === 'everything') {
    return new LarderError('RESTORE_REFUSED', `${what}, outside of the copy`, {
      hint: 'Nothing on this host would keep the copy out of that directory: run Larder as root, or where unshare works, or take a backup.',
    });
  }
  if (!(await isOccupied(location))) return undefined;
  return new LarderError(
    'RESTORE_REFUSED',
    `${what}, where a server has its files: replaying it would write older pages over them`,
    {
      hint: `Restore on another host, or to a point before it. A backup that was taken since then brings the tablespace with it, and --tablespace ${oid}=DIR puts it elsewhere. Where no server uses that directory any more, move away what lies in it.`,
    },
  );
}

/** The directories of a copy's tablespaces: where its links lead, and, before its first start, where its map says they will. */
export async function placesOfCopy(dataDirectory: string): Promise<string[]> {
  const links = join(dataDirectory, 'pg_tblspc');
  const linked = await Promise.all((await namesIn(links)).map((name) => resolved(join(links, name))));
  const mapped = await mappedPlaces(join(dataDirectory, 'tablespace_map'));
  return [...linked.filter((place) => place !== undefined), ...mapped];
}

/** As `tablespaceMap` writes it. */
async function mappedPlaces(path: string): Promise<string[]> {
  try {
    const text = (await readFile(path)).toString('latin1');
    return [...text.matchAll(/^\d+ ((?:[^\\\n\r]|\\[^])*)$/gm)].map(([, place = '']) =>
      pathFromBytes(Buffer.from(place.replace(/\\([^])/g, '$1'), 'latin1')),
    );
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Undefined where nothing is there. */
async function resolved(path: string): Promise<string | undefined> {
  try {
    return pathFromBytes(await realpath(pathToBytes(path), { encoding: 'buffer' }));
  } catch {
    return undefined;
  }
}

/** What cannot be looked into counts too. */
async function isOccupied(location: string): Promise<boolean> {
  try {
    return (await readdir(pathToBytes(location))).some((name) => SERVERS_DIRECTORY.test(name));
  } catch (error) {
    const code = systemErrorCode(error);
    return code !== 'ENOENT' && code !== 'ENOTDIR';
  }
}
