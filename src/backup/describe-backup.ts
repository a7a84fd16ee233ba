import type { Clock } from '../clock.ts';
import type { WalRange } from '../postgres/backup-manifest.ts';
import { formatLsn } from '../postgres/lsn.ts';
import type { WalPosition } from '../postgres/replication/base-backup-reader.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import type { StoredObject } from '../repository/frames/framed-object.ts';
import type { Lease } from '../repository/lease.ts';
import { FORMAT_VERSION } from '../repository/object-header.ts';
import type { ProcessIdentity } from '../process-identity.ts';
import type { BackupContent } from './backup-content.ts';
import type { ServerIdentity } from '../postgres/replication/server-identity.ts';
import type { ParentBackup } from './intake/parent-backup.ts';
import type { BackupSource } from './sources/source.ts';

/** Everything a backup turned out to be. */
export interface FinishedBackup {
  readonly request: {
    readonly cluster: string;
    readonly compressionLevel: number;
    readonly larderVersion: string;
  };
  readonly clock: Clock;
  readonly processIdentity: ProcessIdentity;
  readonly source: BackupSource;
  readonly identity: ServerIdentity;
  readonly lease: Lease;
  readonly id: string;
  /** Milliseconds since 1970 UTC. */
  readonly started: number;
  readonly start: WalPosition;
  readonly stop: WalPosition;
  /** The server's own words when it found damaged pages. */
  readonly corruption: string | undefined;
  readonly walRanges: readonly WalRange[];
  readonly content: BackupContent;
  /** undefined for a full backup. */
  readonly parent: ParentBackup | undefined;
  readonly fullBecause: string | undefined;
  /** Sum of the sizes of all files. */
  readonly sourceBytes: number;
  readonly databases: CommitRecord['databases'];
  readonly objects: readonly StoredObject[];
}

/** The commit record of a backup. */
export function describeBackup(backup: FinishedBackup): CommitRecord {
  const { request, identity, content, start, objects, parent } = backup;
  return {
    formatVersion: FORMAT_VERSION,
    id: backup.id,
    type: parent === undefined ? 'full' : 'incremental',
    state: backup.corruption === undefined ? 'complete' : 'corrupt_source',
    parent: parent?.record.id ?? null,
    chain: parent?.record.chain ?? backup.id,
    fullBecause: backup.fullBecause ?? null,
    cluster: request.cluster,
    systemIdentifier: identity.systemIdentifier,
    serverVersion: identity.serverVersion,
    serverVersionNumber: identity.serverVersionNumber,
    walSegmentSize: identity.walSegmentSize,
    timeline: start.timeline,
    startLsn: formatLsn(start.lsn),
    stopLsn: formatLsn(backup.stop.lsn),
    walRanges: backup.walRanges.map((range) => ({
      timeline: range.timeline,
      start: formatLsn(range.start),
      end: formatLsn(range.end),
    })),
    startTime: new Date(backup.started).toISOString(),
    endTime: new Date(backup.clock.now()).toISOString(),
    dataChecksums: identity.dataChecksums,
    sourceBytes: backup.sourceBytes,
    receivedBytes: content.receivedBytes,
    storedBytes: objects.reduce((sum, object) => sum + object.size, 0),
    files: content.fileCount,
    directories: content.directoryCount,
    tablespaces: content.tablespaces.map(({ oid, location }) => ({ oid, location })),
    databases: backup.databases,
    leftOut: content.leftOut,
    madeTablespaces: content
      .madeTablespaces(start.lsn, backup.stop.lsn)
      ?.map(({ oid, location }) => ({ oid, location })),
    warnings: warningsOf(backup),
    objects,
    source: backup.source.kind,
    compressionLevel: request.compressionLevel,
    cipher: 'none',
    writer: {
      epoch: backup.lease.epoch,
      host: backup.processIdentity.host,
      process: backup.processIdentity.pid,
    },
    larderVersion: request.larderVersion,
  };
}

/** The verdict on damaged pages comes behind the warnings of each, of which only so many are kept. */
function warningsOf({ content, corruption }: FinishedBackup): readonly string[] {
  return corruption === undefined ? content.warnings : [...content.warnings, `ERROR: ${corruption}`];
}
