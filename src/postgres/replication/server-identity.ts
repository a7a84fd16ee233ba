import { LarderError } from '../../errors.ts';
import type { ReplicationConnection } from './replication-connection.ts';

/** What a server is, as a replication connection can ask. */
export interface ServerIdentity {
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** Bytes. */
  readonly walSegmentSize: number;
  /** As the server prints it: `17.10 (Debian …)`. */
  readonly serverVersion: string;
  /** 170010 */
  readonly serverVersionNumber: number;
}

/** Throws PROTOCOL_VIOLATION, as `ReplicationConnection.command`. */
export async function readServerIdentity(connection: ReplicationConnection): Promise<ServerIdentity> {
  const { systemIdentifier, timeline } = await connection.identifySystem();
  return {
    systemIdentifier,
    timeline,
    walSegmentSize: parseMemory(await connection.show('wal_segment_size')),
    serverVersion: await connection.show('server_version'),
    serverVersionNumber: Number(await connection.show('server_version_num')),
  };
}

/** `16MB`, `1GB`: how SHOW prints the size of a WAL segment. */
function parseMemory(text: string): number {
  const match = /^(\d+)(kB|MB|GB)$/.exec(text);
  const unit = { kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 }[match?.[2] ?? ''];
  if (match?.[1] === undefined || unit === undefined) {
    throw new LarderError(
      'PROTOCOL_VIOLATION',
      `the server says wal_segment_size is ${JSON.stringify(text)}`,
    );
  }
  return Number(match[1]) * unit;
}
