import type { Clock } from '../clock.ts';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import type { ProcessIdentity } from '../process-identity.ts';
import type { ObjectStore, StoreLocation } from '../storage/object-store.ts';
import type { ReceiverStatus } from './receiver-status.ts';

export interface ReceiverRequest {
  readonly cluster: string;
  readonly connection: ConnectionSettings;
  readonly store: ObjectStore;
  /** The same store, for worker threads. */
  readonly location: StoreLocation;
  /** zstd level; 0 stores as it is. */
  readonly compressionLevel: number;
  /** Absolute path on local disk. */
  readonly spoolDirectory: string;
  /** When WAL counts as durable: on the local disk, or in the repository. */
  readonly ack: 'spool' | 'repository';
  /** Milliseconds between two tails of an unfinished segment. */
  readonly tailInterval: number;
  /** What gives way when the server holds back more than `maxRetained` for us: the history, or the server's disk. */
  readonly protect: 'primary' | 'history';
  /** Bytes. */
  readonly maxRetained: number;
  /** Bytes of finished segments in the spool before the socket is not read any more. */
  readonly spoolLimit: number;
}

/** Something worth a line in a log. */
export interface ReceiverNotice {
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
  readonly hint?: string;
}

export interface ReceiverContext {
  readonly clock: Clock;
  readonly processIdentity: ProcessIdentity;
  /** Asks for the end: everything received is flushed, acknowledged and stored as far as that takes seconds. */
  readonly signal: AbortSignal;
  readonly onNotice: (notice: ReceiverNotice) => void;
  /** About once a second, and at every change of state. */
  readonly onStatus: (status: ReceiverStatus) => void;
}
