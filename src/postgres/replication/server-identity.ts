import { LarderError } from '../../errors.ts';
import type { Lsn } from '../lsn.ts';
import { majorOf } from '../version.ts';
import type { ReplicationConnection } from './replication-connection.ts';

/** What a server is, as a replication connection can ask. */
export interface ServerIdentity {
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** Where its log was flushed to; on a standby, replayed to. */
  readonly position: Lsn;
  /** Bytes. */
  readonly walSegmentSize: number;
  /** As the server prints it: `17.10 (Debian …)`. */
  readonly serverVersion: string;
  /** 170010 */
  readonly serverVersionNumber: number;
  /** Bytes of a block; set when the server was built. */
  readonly blockSize: number;
  /** Bytes of one file of a relation; set when the server was built. */
  readonly relationFileSize: number;
  /** Whether pages carry checksums. */
  readonly dataChecksums: boolean;
  /** Whether the server keeps summaries of its WAL, which it needs to tell what changed; never before 17. */
  readonly summarizesWal: boolean;
}

/** The first major version that can tell what changed since an earlier backup. */
const FIRST_INCREMENTAL_MAJOR = 17;

/** Whether a server of this version can send an incremental backup, if it summarizes its WAL. */
export function sendsIncremental(serverVersionNumber: number): boolean {
  return majorOf(serverVersionNumber) >= FIRST_INCREMENTAL_MAJOR;
}

/** Throws PROTOCOL_VIOLATION, as `ReplicationConnection.command`. */
export async function readServerIdentity(connection: ReplicationConnection): Promise<ServerIdentity> {
  const { systemIdentifier, timeline, position } = await connection.identifySystem();
  const serverVersionNumber = Number(await connection.show('server_version_num'));
  return {
    systemIdentifier,
    timeline,
    position,
    walSegmentSize: parseMemory('wal_segment_size', await connection.show('wal_segment_size')),
    serverVersion: await connection.show('server_version'),
    serverVersionNumber,
    blockSize: Number(await connection.show('block_size')),
    relationFileSize: parseMemory('segment_size', await connection.show('segment_size')),
    dataChecksums: (await connection.show('data_checksums')) === 'on',
    summarizesWal: sendsIncremental(serverVersionNumber) && (await connection.show('summarize_wal')) === 'on',
  };
}

/** `16MB`, `1GB`: how SHOW prints a size. */
function parseMemory(setting: string, text: string): number {
  const match = /^(\d+)(B|kB|MB|GB|TB)$/.exec(text);
  const unit = { B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 }[match?.[2] ?? ''];
  if (match?.[1] === undefined || unit === undefined) {
    throw new LarderError('PROTOCOL_VIOLATION', `the server says ${setting} is ${JSON.stringify(text)}`);
  }
  return Number(match[1]) * unit;
}
