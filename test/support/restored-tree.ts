import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { pathFromBytes } from '../../src/postgres/path-bytes.ts';
import { RESTORED_MARKER } from '../../src/repository/restored-marker.ts';
import { FILES_RECORD } from '../../src/restore/delta/files-record.ts';

/** What differs between any two restores: of no two the same, and where the tablespaces lie. */
const OF_ITS_OWN = new Set([RESTORED_MARKER, FILES_RECORD, 'tablespace_map']);

/** Kind, owner, mode and content of everything below a directory, by path; links are not followed. */
export function treeBelow(directory: string): Record<string, string> {
  const found: Record<string, string> = {};
  describe(Buffer.from(directory), '', found);
  return found;
}

/** The same for what a restore made, so that two of them can be compared: without what is of its own in each. */
export function restoredTree(directories: readonly string[]): Record<string, string>[] {
  return directories.map((directory) =>
    Object.fromEntries(
      Object.entries(treeBelow(directory))
        .filter(([path]) => !OF_ITS_OWN.has(path))
        .map(([path, what]) => [path, what.startsWith('link ') ? 'link' : what]),
    ),
  );
}

function describe(directory: Buffer, path: string, found: Record<string, string>): void {
  for (const name of readdirSync(directory, { encoding: 'buffer' })) {
    const place = Buffer.concat([directory, Buffer.from('/'), name]);
    const entry = path === '' ? pathFromBytes(name) : `${path}/${pathFromBytes(name)}`;
    const stats = lstatSync(place);
    if (stats.isSymbolicLink()) {
      found[entry] = `link ${readlinkSync(place)}`;
      continue;
    }
    const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other';
    const content = stats.isFile() ? createHash('sha256').update(readFileSync(place)).digest('hex') : '';
    found[entry] = `${kind} ${(stats.mode & 0o7777).toString(8)} ${stats.uid}:${stats.gid} ${content}`;
    if (stats.isDirectory()) describe(place, entry, found);
  }
}
