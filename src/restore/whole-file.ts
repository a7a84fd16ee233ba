import type { FileEntry } from '../repository/manifest/records.ts';
import type { FileContents } from './read-contents.ts';

const NOTHING: FileContents = { checksum: 0, bytes: 0 };

/**
 * Whether what was read of a file is all that its extents hold, with the checksum that it was backed up with. Of a file
 * without one nobody ever saw the whole: every frame of it was checked by itself.
 */
export function isWhole(file: FileEntry, read: FileContents = NOTHING): boolean {
  let bytes = 0;
  for (const { length } of file.extents) bytes += length;
  return read.bytes === bytes && (file.checksum === undefined || coversChecksum(file, read, bytes));
}

/** A checksum is of the whole file; where parts of it are only zeros that nobody stored there is none. */
function coversChecksum({ size, checksum }: FileEntry, read: FileContents, bytes: number): boolean {
  return bytes === size && read.checksum === checksum;
}
