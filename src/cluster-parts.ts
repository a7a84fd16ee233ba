import { join } from 'node:path';
import type { BackupRequest } from './backup/backup-run.ts';
import type { ClusterConfig } from './config/config.ts';
import { LarderError } from './errors.ts';
import type { Catalogue } from './repository/catalogue.ts';
import { readCatalogue } from './repository/catalogue.ts';
import { expectRepository } from './repository/expect-repository.ts';
import type { BackupType } from './repository/layout.ts';
import { openRepository } from './repository/repository.ts';
import type { History } from './scheduler/history.ts';
import type { ObjectStore, StoreLocation } from './storage/object-store.ts';
import { openStore } from './storage/open-store.ts';
import type { ReceiverRequest } from './transaction-log/receiver-request.ts';

/**
 * How long a backup waits for another writer, milliseconds: longer than the lease of a Larder that was killed lasts where
 * nobody can see that it is dead (another host, an earlier container).
 */
export const LEASE_WAIT = 90_000;

/** A cluster's configuration with the store it leads to. */
export interface ClusterParts {
  readonly config: ClusterConfig;
  readonly store: ObjectStore;
  /** The same store, for worker threads. */
  readonly location: StoreLocation;
}

/** Nothing is connected to or read yet. */
export function clusterParts(config: ClusterConfig): ClusterParts {
  const location: StoreLocation = { kind: 'filesystem', directory: config.repositoryPath };
  return { config, location, store: openStore(location) };
}

/** What a backup of the cluster asks for. `larderVersion` goes into its commit record. */
export function backupRequest(
  { config, store, location }: ClusterParts,
  larderVersion: string,
  type: BackupType = 'full',
): BackupRequest {
  const { name: cluster, connection, compressionLevel, workers, maxChain } = config;
  return {
    cluster,
    connection,
    store,
    location,
    compressionLevel,
    workers,
    leaseWait: LEASE_WAIT,
    larderVersion,
    type,
    changesFrom: 'server',
    maxChain,
    parent: undefined,
  };
}

/** Where a cluster's WAL is durable before it is stored. */
export function spoolDirectory(stateDirectory: string, cluster: string): string {
  return join(stateDirectory, 'spool', cluster);
}

/** What receiving the cluster's WAL asks for. */
export function receiverRequest(
  { config, store, location }: ClusterParts,
  stateDirectory: string,
): ReceiverRequest {
  const { name: cluster, connection, compressionLevel, transactionLog } = config;
  return {
    cluster,
    connection,
    store,
    location,
    compressionLevel,
    spoolDirectory: spoolDirectory(stateDirectory, cluster),
    ack: transactionLog.ack,
    tailInterval: transactionLog.tailInterval,
    protect: transactionLog.protect,
    maxRetained: transactionLog.maxRetained,
    spoolLimit: transactionLog.spoolLimit,
  };
}

/** Whether the history knows of a backup of the cluster, so that its repository must be there. */
export async function knowsBackup(history: History, cluster: string): Promise<boolean> {
  const runs = await history.runs();
  return runs.some((run) => run.cluster === cluster && run.backupId !== undefined);
}

/**
 * Whether the repository is there; false where it is not and no backup was ever taken.
 * @throws LarderError when it cannot be read, or ought to be there and is not
 */
export async function assertKnownRepository(
  { store, location, config }: ClusterParts,
  expected: boolean,
): Promise<boolean> {
  try {
    await (expected ? expectRepository(store, location, config.name) : openRepository(store, location));
    return true;
  } catch (error) {
    if (expected || !(error instanceof LarderError) || error.code !== 'REPOSITORY_MISSING') throw error;
    return false;
  }
}

/** The catalogue; empty where no backup was ever taken. Throws when it cannot be read, or ought to be there and is not. */
export async function readKnownCatalogue(parts: ClusterParts, expected: boolean): Promise<Catalogue> {
  if (!(await assertKnownRepository(parts, expected)))
    return { backups: [], unreadable: [], proofs: new Map() };
  return readCatalogue(parts.store);
}
