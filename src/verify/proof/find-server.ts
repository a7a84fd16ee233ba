import { LarderError } from '../../errors.ts';
import {
  findServerBinaries,
  type BinariesSearch,
  type ServerBinaries,
} from '../../postgres/server/find-binaries.ts';
import { majorOf } from '../../postgres/version.ts';
import type { CommitRecord } from '../../repository/commit-record.ts';

/** The binaries that can run a copy of the backup; `undefined` where this host has none. */
export function findServerFor(
  backup: CommitRecord,
  search: BinariesSearch,
): Promise<ServerBinaries | undefined> {
  return findServerBinaries(majorOf(backup.serverVersionNumber), search);
}

/** @throws LarderError INSTANCE_FAILED where this host has none */
export async function expectServerFor(backup: CommitRecord, search: BinariesSearch): Promise<ServerBinaries> {
  const found = await findServerFor(backup, search);
  if (found !== undefined) return found;
  throw noServer(backup);
}

/** Why a backup cannot be proven here. */
export function noServer(backup: CommitRecord): LarderError {
  const major = majorOf(backup.serverVersionNumber);
  return new LarderError(
    'INSTANCE_FAILED',
    `no PostgreSQL ${major} was found here, and ${backup.id} can be proven by that version alone`,
    {
      hint: `Install the server of PostgreSQL ${major} on this host, or check the stored bytes alone: --level objects.`,
    },
  );
}
