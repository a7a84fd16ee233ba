import type { Clock } from '../clock.ts';
import { LarderError } from '../errors.ts';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import type { ServerIdentity } from '../postgres/replication/server-identity.ts';
import { assertSupported } from '../postgres/supported-version.ts';
import { majorOf } from '../postgres/version.ts';
import { encodeCommitRecord, type CommitRecord } from '../repository/commit-record.ts';
import { FrameWriter } from '../repository/frames/frame-writer.ts';
import { FramedObjectWriter, type StoredObject } from '../repository/frames/framed-object.ts';
import {
  backupPrefix,
  commitRecordName,
  formatBackupId,
  manifestName,
  serverManifestName,
} from '../repository/layout.ts';
import { acquireLease, type Lease } from '../repository/lease.ts';
import { discardBackup, sweepLeftovers } from '../repository/leftovers.ts';
import { writeManifest } from '../repository/manifest/manifest-writer.ts';
import type { ProcessIdentity } from '../process-identity.ts';
import { openOrCreateRepository, type Repository } from '../repository/repository.ts';
import type { ObjectStore, StoreLocation } from '../storage/object-store.ts';
import { BackupContent } from './backup-content.ts';
import { assertWalIncluded } from './completeness.ts';
import { describeBackup } from './describe-backup.ts';
import { readDatabases } from './databases.ts';
import { throttle, type ReportProgress } from './progress.ts';
import { ReplicationSource } from './sources/replication-source.ts';
import type { BackupSource, SourceOutcome } from './sources/source.ts';

export interface BackupRequest {
  /** The configured name of the cluster; becomes part of the id. */
  readonly cluster: string;
  readonly connection: ConnectionSettings;
  readonly store: ObjectStore;
  /** The same store, for the worker threads. */
  readonly location: StoreLocation;
  /** zstd level; 0 stores as it is. */
  readonly compressionLevel: number;
  /** Threads that compress. */
  readonly workers: number;
  /** How long to wait for another writer of this repository before giving up, milliseconds. */
  readonly leaseWait: number;
  readonly larderVersion: string;
}

export interface BackupContext {
  readonly clock: Clock;
  readonly processIdentity: ProcessIdentity;
  readonly signal: AbortSignal;
  readonly onProgress: ReportProgress;
}

/** What the steps of one backup share. */
interface Run extends BackupContext {
  readonly request: BackupRequest;
  readonly source: BackupSource;
  readonly identity: ServerIdentity;
  readonly repository: Repository;
  readonly lease: Lease;
  readonly id: string;
  readonly started: number;
  readonly warnings: readonly string[];
}

/**
 * Takes a full backup over the replication protocol. It exists once the commit record does, which is written last: dying
 * anywhere before leaves every earlier backup as it was, and the next run needs no help.
 *
 * @returns the commit record; its `state` is `corrupt_source` when the server found damaged pages
 * @throws LarderError; nothing of the failed backup counts, and what was stored of it is removed now or by the next run
 */
export async function takeFullBackup(request: BackupRequest, context: BackupContext): Promise<CommitRecord> {
  context.onProgress({ phase: 'connecting', doneBytes: 0, totalBytes: undefined, storedBytes: 0 });
  const source = await ReplicationSource.open(request.connection, context.signal);
  try {
    const identity = await source.identify();
    const warnings = assertSupported(identity);
    const repository = await openRepositoryFor(request, identity, context.clock);
    const lease = await takeLease(request, context);
    try {
      await sweepLeftovers(request.store);
      const { id, started } = await chooseId(request, context.clock);
      const signal = AbortSignal.any([context.signal, lease.signal]);
      return await runBackup({
        ...context,
        signal,
        request,
        source,
        identity,
        repository,
        lease,
        id,
        started,
        warnings,
      });
    } finally {
      // a lease that cannot be given back runs out by itself; that does not undo the backup
      await lease.release().catch(() => undefined);
    }
  } finally {
    await source.close();
  }
}

async function runBackup(run: Run): Promise<CommitRecord> {
  const { request, id } = run;
  const { location, compressionLevel: level, workers } = request;
  const frames = new FrameWriter({ location, backupId: id, level, workers });
  let content: BackupContent | undefined;
  try {
    const manifestObject = await FramedObjectWriter.open(
      request.store,
      serverManifestName(id),
      'serverManifest',
      3,
    );
    content = new BackupContent(frames, manifestObject);
    const databases = await readDatabases(request.connection, run.signal);
    const outcome = await readSource(run, content, frames);
    const record = await store(run, { content, frames, outcome, databases });
    await commit(run, record);
    return record;
  } catch (error) {
    await frames.abort();
    await content?.abort();
    // what cannot be removed now is swept by the next run
    await discardBackup(request.store, id).catch(() => undefined);
    throw error;
  }
}

async function readSource(run: Run, content: BackupContent, frames: FrameWriter): Promise<SourceOutcome> {
  const report = throttle(run.onProgress, run.clock);
  content.observer = () => {
    const { receivedBytes: doneBytes, estimatedBytes: totalBytes } = content;
    report({ phase: 'copying', doneBytes, totalBytes, storedBytes: frames.storedBytes });
  };
  run.onProgress({ phase: 'checkpoint', doneBytes: 0, totalBytes: undefined, storedBytes: 0 });
  for (const warning of run.warnings) content.warning(warning);
  return run.source.read(`larder ${run.id}`, content, run.signal);
}

/** Makes all of it durable and checks that it is whole; what is left is the commit record. */
async function store(
  run: Run,
  parts: {
    readonly content: BackupContent;
    readonly frames: FrameWriter;
    readonly outcome: SourceOutcome;
    readonly databases: CommitRecord['databases'];
  },
): Promise<CommitRecord> {
  const { request, identity, id } = run;
  const { content, outcome } = parts;
  const { start } = content;
  if (start === undefined)
    throw new LarderError('BACKUP_INCOMPLETE', 'the server never named the start of the backup');
  const { frames, packs } = await parts.frames.finish();
  const doneBytes = content.receivedBytes;
  run.onProgress({
    phase: 'committing',
    doneBytes,
    totalBytes: doneBytes,
    storedBytes: parts.frames.storedBytes,
  });
  const serverManifest = await content.finishServerManifest();
  content.assertComplete();
  const { walRanges } = serverManifest.summary;
  assertWalIncluded(walRanges, identity.walSegmentSize, (path) => content.sizeOf(path));
  const manifest = await writeManifest(request.store, manifestName(id), {
    frames,
    entries: content.entries(),
  });
  const objects = [...packs, manifest, serverManifest.object];
  await assertStored(request.store, id, objects);
  return describeBackup({
    ...run,
    start,
    stop: outcome.stop,
    corruption: outcome.corruption,
    walRanges,
    content,
    databases: parts.databases,
    objects,
  });
}

/** From here on the backup exists. The lease is asked once more: who lost it has been swept, or will be. */
async function commit(run: Run, record: CommitRecord): Promise<void> {
  run.signal.throwIfAborted();
  await run.lease.assertHeld();
  await run.request.store.putIfAbsent(commitRecordName(run.id), encodeCommitRecord(record));
}

/**
 * Lists the backup's objects again and finds each with its size.
 * @throws LarderError BACKUP_INCOMPLETE
 */
async function assertStored(store: ObjectStore, id: string, objects: readonly StoredObject[]): Promise<void> {
  const stored = new Map<string, number>();
  for await (const object of store.list(backupPrefix(id))) stored.set(object.name, object.size);
  for (const { name, size } of objects) {
    const found = stored.get(name);
    if (found === size) continue;
    throw new LarderError(
      'BACKUP_INCOMPLETE',
      `${name} was stored with ${size} bytes and ${store.description} now ${found === undefined ? 'has no such object' : `says ${found}`}`,
      {
        hint: 'Something else removes or changes files there: another program, a lifecycle rule, a failing disk.',
      },
    );
  }
}

async function openRepositoryFor(
  request: BackupRequest,
  identity: ServerIdentity,
  clock: Clock,
): Promise<Repository> {
  const { systemIdentifier, serverVersionNumber } = identity;
  const lineage = { systemIdentifier, major: majorOf(serverVersionNumber) };
  return openOrCreateRepository(request.store, request.location, { lineage, clock });
}

function takeLease(
  request: BackupRequest,
  { clock, signal, processIdentity }: BackupContext,
): Promise<Lease> {
  const waitMilliseconds = request.leaseWait;
  return acquireLease(request.store, { holder: 'backup', clock, processIdentity, waitMilliseconds, signal });
}

/** The id of a backup that begins now: its second, or the next one that no earlier backup has. */
async function chooseId(request: BackupRequest, clock: Clock): Promise<{ id: string; started: number }> {
  const taken = new Set<string>();
  for await (const { name } of request.store.list('')) taken.add(name.split('/')[0] ?? '');
  for (let started = Math.floor(clock.now() / 1000) * 1000; ; started += 1000) {
    const id = formatBackupId({ type: 'full', cluster: request.cluster, started });
    if (!taken.has(id)) return { id, started };
  }
}
