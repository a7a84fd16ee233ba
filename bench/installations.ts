import { delimiter, join } from 'node:path';
import { findServerBinaries, type ServerBinaries } from '../src/postgres/server/find-binaries.ts';

/** A PostgreSQL and the peers that came with it. */
export interface Installation {
  readonly binaries: ServerBinaries;
  /** The program, which may not be there. */
  readonly pgBackRest: string;
}

/** Directories as `shared/tools/postgres-from-debian.sh` makes them, one for each major version, separated by colons. */
export function parsePeerDirectories(text: string | undefined): string[] {
  return (text ?? '').split(delimiter).filter((directory) => directory !== '');
}

/**
 * The peers' PostgreSQL of a major version when there is one, since pg_basebackup comes with it; else whatever the machine
 * has. Throws when there is none at all.
 */
export async function findInstallation(
  major: number,
  peerDirectories: readonly string[],
): Promise<Installation> {
  for (const peers of peerDirectories) {
    const directory = join(peers, 'usr/lib/postgresql', String(major), 'bin');
    const binaries = await findServerBinaries(major, { directory });
    if (binaries?.origin === 'configured') return { binaries, pgBackRest: join(peers, 'usr/bin/pgbackrest') };
  }
  const binaries = await findServerBinaries(major);
  if (binaries === undefined) throw new Error(`PostgreSQL ${major} is not installed`);
  return { binaries, pgBackRest: 'pgbackrest' };
}
