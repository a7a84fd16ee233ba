import { LarderError } from '../../errors.ts';
import { pathToBytes } from '../../postgres/path-bytes.ts';

const LONGEST_PART = 255;

/**
 * Whether a path can be an entry of a manifest: relative and plain. Neither the server that sends it nor the manifest
 * that keeps it is trusted with where a restore writes (CVE-2026-6475 was just that in pg_basebackup): nothing absolute,
 * nothing that climbs, nothing a file system reads otherwise.
 */
export function isEntryPath(path: string): boolean {
  return path
    .split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..' && !part.includes('\0') && fits(part));
}

function fits(part: string): boolean {
  return part.length <= LONGEST_PART && pathToBytes(part).length <= LONGEST_PART;
}

/** @throws LarderError OBJECT_DAMAGED */
export function assertEntryPath(path: string, manifest: string): void {
  if (!isEntryPath(path)) {
    throw new LarderError(
      'OBJECT_DAMAGED',
      `${manifest} names a file that leads elsewhere: ${JSON.stringify(path)}`,
    );
  }
}
