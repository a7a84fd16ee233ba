import { LarderError } from '../errors.ts';
import type { Manifest } from '../repository/manifest/manifest-reader.ts';

/**
 * A manifest describes one tree: no name twice, nothing inside a file. The server cannot send anything else, so a manifest
 * that says so is not what was backed up.
 * @param name of the manifest, for the message
 * @throws LarderError OBJECT_DAMAGED
 */
export function assertTree({ files, directories }: Manifest, name: string): void {
  const leaves = new Set<string>();
  for (const { path } of files) {
    if (leaves.has(path)) throw impossible(name, path, 'twice');
    leaves.add(path);
  }
  for (const path of directoriesOf(files, directories)) {
    if (leaves.has(path)) throw impossible(name, path, 'as a file and as a directory');
  }
}

/** Every directory there has to be: also one that holds a file and is not listed itself. */
export function directoriesOf(
  files: Manifest['files'],
  directories: Manifest['directories'],
): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { path } of directories) addWithParents(found, path);
  for (const { path } of files) addWithParents(found, parentOf(path));
  return found;
}

function addWithParents(paths: Set<string>, path: string): void {
  for (let next = path; next !== '' && !paths.has(next); next = parentOf(next)) paths.add(next);
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function impossible(name: string, path: string, how: string): LarderError {
  return new LarderError('OBJECT_DAMAGED', `${name} names ${JSON.stringify(path)} ${how}`, {
    hint: 'Restore another backup; "larder verify" tells which of this one’s objects are not what was stored.',
  });
}
