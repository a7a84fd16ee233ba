import { LarderError } from '../../errors.ts';
import { isEntryPath } from '../../repository/manifest/entry-path.ts';

/**
 * A path from the server as an entry of the manifest.
 * @param prefix put in front: empty, or `pg_tblspc/<oid>`
 * @returns `undefined` for the archive's own root
 * @throws LarderError PROTOCOL_VIOLATION when it leads out of the data directory
 */
export function sourcePath(prefix: string, name: string): string | undefined {
  const plain = name.replace(/^(\.\/)+/, '');
  if (plain === '' || plain === '.') return undefined;
  if (!isEntryPath(plain)) {
    throw new LarderError(
      'PROTOCOL_VIOLATION',
      `the server sent a file with the unsafe name ${JSON.stringify(name)}`,
    );
  }
  return prefix === '' ? plain : `${prefix}/${plain}`;
}

/** Where the entries of an archive belong: `base.tar` is the data directory, `<oid>.tar` a tablespace. */
export function archivePrefix(name: string): string {
  if (name === 'base.tar') return '';
  const oid = /^(\d{1,10})\.tar$/.exec(name)?.[1];
  if (oid === undefined) {
    throw new LarderError(
      'PROTOCOL_VIOLATION',
      `the server sent an archive with the unexpected name ${JSON.stringify(name)}`,
    );
  }
  return `pg_tblspc/${oid}`;
}
