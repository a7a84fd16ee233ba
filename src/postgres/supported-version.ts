import { LarderError } from '../errors.ts';
import type { ServerIdentity } from './replication/server-identity.ts';
import { majorOf, NEWEST_TESTED_MAJOR, OLDEST_MAJOR } from './version.ts';

/**
 * Whether a server of this version can be backed up.
 * @returns what to warn of
 * @throws LarderError SERVER_TOO_OLD
 */
export function assertSupported({
  serverVersionNumber,
  serverVersion,
}: Pick<ServerIdentity, 'serverVersionNumber' | 'serverVersion'>): string[] {
  const major = majorOf(serverVersionNumber);
  if (major < OLDEST_MAJOR) {
    throw new LarderError(
      'SERVER_TOO_OLD',
      `the server is PostgreSQL ${serverVersion}; Larder backs up ${OLDEST_MAJOR} and later`,
      { hint: 'Upgrade the server to a supported major version.' },
    );
  }
  if (major <= NEWEST_TESTED_MAJOR) return [];
  return [
    `PostgreSQL ${major} is newer than what this release was tested with (${NEWEST_TESTED_MAJOR}): verify the restore`,
  ];
}
