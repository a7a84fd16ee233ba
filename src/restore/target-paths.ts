import { join } from 'node:path';
import { LarderError } from '../errors.ts';
import { pathToBytes } from '../postgres/path-bytes.ts';

/** Where one tablespace of the backup goes. */
export interface TablespaceTarget {
  readonly oid: number;
  /** Where it was on the server. */
  readonly location: string;
  /** Where it will be: absolute. */
  readonly directory: string;
  /** In-place tablespaces (allow_in_place_tablespaces) lie inside the data directory and have no link. */
  readonly linked: boolean;
}

/**
 * Decides where every tablespace goes: where `mapping` says, else where it was.
 * @throws LarderError USAGE for a mapping of a tablespace that the backup does not have
 */
export function placeTablespaces(
  tablespaces: readonly { readonly oid: number; readonly location: string }[],
  mapping: ReadonlyMap<number, string>,
  dataDirectory: string,
): TablespaceTarget[] {
  for (const oid of mapping.keys()) {
    if (tablespaces.some((tablespace) => tablespace.oid === oid)) continue;
    const known = tablespaces.map((tablespace) => `${tablespace.oid} (${tablespace.location})`).join(', ');
    throw new LarderError('USAGE', `the backup has no tablespace ${oid}`, {
      hint: known === '' ? 'It has none at all: leave --tablespace out.' : `It has: ${known}.`,
    });
  }
  return tablespaces.map(({ oid, location }) => {
    const linked = location.startsWith('/');
    const directory = linked ? (mapping.get(oid) ?? location) : join(dataDirectory, 'pg_tblspc', String(oid));
    return { oid, location, directory, linked };
  });
}

/** Turns entries of a manifest into paths on this machine. */
export class TargetPaths {
  readonly #dataDirectory: string;
  readonly #tablespaces: ReadonlyMap<string, TablespaceTarget>;

  constructor(dataDirectory: string, tablespaces: readonly TablespaceTarget[]) {
    this.#dataDirectory = dataDirectory;
    this.#tablespaces = new Map(tablespaces.map((tablespace) => [String(tablespace.oid), tablespace]));
  }

  /** The path of an entry: a string, or bytes where its name is not text. */
  of(entryPath: string): string | Buffer {
    const [first, oid, ...rest] = entryPath.split('/');
    const tablespace = first === 'pg_tblspc' ? this.#tablespaces.get(oid ?? '') : undefined;
    return tablespace?.linked === true
      ? under(tablespace.directory, rest.join('/'))
      : under(this.#dataDirectory, entryPath);
  }
}

function under(directory: string, path: string): string | Buffer {
  if (path === '') return directory;
  return path.isWellFormed()
    ? `${directory}/${path}`
    : Buffer.concat([Buffer.from(`${directory}/`), pathToBytes(path)]);
}

/**
 * The text of `tablespace_map`: the server makes the links from it when it first starts. One line a tablespace; newlines,
 * carriage returns and backslashes in a path stand behind a backslash (xlogbackup.c).
 */
export function tablespaceMap(tablespaces: readonly TablespaceTarget[]): string {
  return tablespaces
    .filter(({ linked }) => linked)
    .map(
      ({ oid, directory }) => `${oid} ${directory.replace(/[\n\r\\]/g, (character) => `\\${character}`)}\n`,
    )
    .join('');
}
