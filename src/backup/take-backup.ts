import type { Clock } from '../clock.ts';
import { toLarderError } from '../errors.ts';
import type { ServerIdentity } from '../postgres/replication/server-identity.ts';
import { manifestToUpload } from '../postgres/uploaded-manifest.ts';
import { parseLsn } from '../postgres/lsn.ts';
import { Session as SqlSession } from '../postgres/sql/session.ts';
import { assertSupported } from '../postgres/supported-version.ts';
import { majorOf } from '../postgres/version.ts';
import { listBackupObjects } from '../repository/backup-objects.ts';
import { encodeCommitRecord, type CommitRecord } from '../repository/commit-record.ts';
import { FramedObjectWriter, readFramedObject } from '../repository/frames/framed-object.ts';
import {
  commitRecordName,
  formatBackupId,
  serverManifestName,
  type BackupType,
} from '../repository/layout.ts';
import { acquireLease, type Lease } from '../repository/lease.ts';
import { discardBackup, sweepLeftovers } from '../repository/leftovers.ts';
import { openOrCreateRepository, type Repository } from '../repository/repository.ts';
import { BackupContent } from './backup-content.ts';
import type { BackupContext, BackupRequest, Run, Session } from './backup-run.ts';
import { ChangeAccount } from './change-account.ts';
import { chooseChangesFrom } from './changes-from.ts';
import { CarriedLog } from './carried-log.ts';
import { readDatabases } from './databases.ts';
import { findParent, type FoundParent } from './find-parent.ts';
import { Fingerprint } from './fingerprint/take-fingerprint.ts';
import { FrameWriters } from './frame-writers.ts';
import type { Intake } from './intake/intake.ts';
import type { ParentBackup } from './intake/parent-backup.ts';
import { openIntake } from './open-intake.ts';
import { throttle } from './progress.ts';
import { ReplicationSource } from './sources/replication-source.ts';
import type { SourceOutcome } from './sources/source.ts';
import { storeBackup } from './store-backup.ts';

/**
 * Takes a backup over the replication protocol. It exists once the commit record does, which is written last: dying
 * anywhere before leaves every earlier backup as it was, and the next run needs no help.
 *
 * @returns the commit record; its `state` is `corrupt_source` when the server found damaged pages, `fullBecause` says why
 *   an incremental backup that was asked for became a full one
 * @throws LarderError; nothing of the failed backup counts, and what was stored of it is removed now or by the next run
 */
export async function takeBackup(request: BackupRequest, context: BackupContext): Promise<CommitRecord> {
  context.onProgress({ phase: 'connecting', doneBytes: 0, totalBytes: undefined, storedBytes: 0 });
  const source = await ReplicationSource.open(request.connection, context.signal);
  // what takes its time elsewhere is begun before it is needed: this, the threads and the hold on the log
  const connecting = openSql(request, source, context.signal);
  connecting.catch(() => undefined);
  try {
    const identity = await source.identify();
    const warnings = assertSupported(identity);
    const repository = await openRepositoryFor(request, identity, context.clock);
    const lease = await takeLease(request, context);
    const { location, compressionLevel: level, workers } = request;
    const frameWriters = new FrameWriters({ location, level, workers });
    const fingerprint = beginFingerprint(request, source, context);
    source.holdLog();
    try {
      await sweepLeftovers(request.store);
      const signal = AbortSignal.any([context.signal, lease.signal]);
      const sql = await connecting;
      const changesFrom = await chooseChangesFrom(request.changesFrom, identity, sql);
      const found = {
        source,
        identity,
        repository,
        lease,
        frameWriters,
        fingerprint,
        warnings,
        sql,
        changesFrom,
      };
      return await chooseAndRun({ ...context, signal, request, ...found });
    } finally {
      await Promise.all([frameWriters.close(), fingerprint.close()]);
      // a lease that cannot be given back runs out by itself; that does not undo the backup
      await lease.release().catch(() => undefined);
    }
  } finally {
    await Promise.all([closeSql(connecting), source.close()]);
  }
}

async function closeSql(connecting: Promise<SqlSession | undefined>): Promise<void> {
  const sql = await connecting.catch(() => undefined);
  await sql?.close().catch(() => undefined);
}

function beginFingerprint(
  { connection }: BackupRequest,
  { address }: ReplicationSource,
  { clock, signal }: BackupContext,
): Fingerprint {
  const openDatabase = (database: string): Promise<SqlSession> =>
    SqlSession.open({ ...connection, database, hosts: [address] }, signal);
  return Fingerprint.begin({ openDatabase, database: connection.database, clock, signal });
}

/** An ordinary connection to the server that is backed up; one that allows this role replication only is backed up all the same. */
async function openSql(
  { connection }: BackupRequest,
  { address }: ReplicationSource,
  signal: AbortSignal,
): Promise<SqlSession | undefined> {
  try {
    return await SqlSession.open({ ...connection, hosts: [address] }, signal);
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** How often an incremental backup is begun while what the server tells of the changes goes out of date meanwhile. */
const ATTEMPTS = 2;

/** An incremental backup where that is asked for and possible; what the server itself refuses becomes a full one too. */
async function chooseAndRun(session: Session): Promise<CommitRecord> {
  const found = await findParentFor(session);
  if (found?.kind !== 'incremental') return runBackup(session, undefined, found?.because);
  let because = '';
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      return await runBackup(session, found.parent, undefined);
    } catch (thrown) {
      const error = toLarderError(thrown);
      because = error.message;
      if (error.code === 'INCREMENTAL_REFUSED') break;
      if (error.code !== 'CHANGES_UNCERTAIN') throw error;
    }
  }
  return runBackup(session, undefined, because);
}

async function findParentFor(session: Session): Promise<FoundParent | undefined> {
  const { identity, changesFrom } = session;
  const { store, cluster, maxChain, parent: wanted, type } = session.request;
  const question = { cluster, identity, changesFrom, maxChain, wanted };
  return type === 'full' ? undefined : findParent(store, question);
}

async function runBackup(
  session: Session,
  parent: ParentBackup | undefined,
  fullBecause: string | undefined,
): Promise<CommitRecord> {
  const { request, clock, identity, sql, changesFrom } = session;
  const type = parent === undefined ? 'full' : 'incremental';
  const account = await readAccount(session, parent);
  const run: Run = { ...session, ...(await chooseId(request, type, clock)), parent, fullBecause, account };
  const { id } = run;
  let intake: Intake | undefined;
  let content: BackupContent | undefined;
  try {
    const frames = session.frameWriters.take(id);
    intake = await openIntake({ ...request, id, identity, changesFrom, parent, frames });
    const name = serverManifestName(id);
    const carriedLog = new CarriedLog(identity.walSegmentSize, majorOf(identity.serverVersionNumber));
    content = new BackupContent(
      intake,
      await FramedObjectWriter.open(request.store, name, 'serverManifest', 3),
      carriedLog,
    );
    await session.fingerprint.ready();
    const asking = readDatabases(sql, run.signal);
    // it must not end this before the source has: what is cleaned up then would still be written to
    asking.catch(() => undefined);
    const outcome = await readSource(run, content, intake);
    const databases = await asking;
    const record = await storeBackup(run, { content, intake, outcome, databases });
    await commit(run, record);
    return record;
  } catch (error) {
    await intake?.abort();
    await content?.abort();
    // what cannot be removed now is swept by the next run
    await discardBackup(request.store, id).catch(() => undefined);
    throw error;
  }
}

async function readAccount(
  { sql, changesFrom, identity }: Session,
  parent: ParentBackup | undefined,
): Promise<ChangeAccount | undefined> {
  if (parent === undefined || changesFrom === 'comparison' || sql === undefined) return undefined;
  return ChangeAccount.read(sql, identity, parseLsn(parent.record.startLsn) ?? 0n);
}

async function readSource(run: Run, content: BackupContent, intake: Intake): Promise<SourceOutcome> {
  const { request, parent, account } = run;
  const report = throttle(run.onProgress, run.clock);
  content.observer = () => {
    const { receivedBytes: doneBytes, estimatedBytes: totalBytes } = content;
    report({ phase: 'copying', doneBytes, totalBytes, storedBytes: intake.storedBytes });
  };
  run.onProgress({ phase: 'checkpoint', doneBytes: 0, totalBytes: undefined, storedBytes: 0 });
  for (const warning of run.warnings) content.warning(warning);
  // without an account of the changes everything is sent, and the intake compares it
  const since =
    parent === undefined || account === undefined
      ? undefined
      : manifestToUpload(
          readFramedObject(request.store, serverManifestName(parent.record.id), 'serverManifest'),
          (path) => account.comesWhole(path),
        );
  return run.source.read({ label: `larder ${run.id}`, since }, content, run.signal);
}

/** From here on the backup exists. The lease is asked once more: who lost it has been swept, or will be. */
async function commit(run: Run, record: CommitRecord): Promise<void> {
  run.signal.throwIfAborted();
  await run.lease.assertHeld();
  await run.request.store.putIfAbsent(commitRecordName(run.id), encodeCommitRecord(record));
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

/** The id of a backup that begins now: its second, or the next one in which no earlier backup began. */
async function chooseId(
  { store, cluster }: BackupRequest,
  type: BackupType,
  clock: Clock,
): Promise<{ id: string; started: number }> {
  const taken = new Set<string>();
  for await (const { name } of listBackupObjects(store)) taken.add(name.split('/')[0] ?? '');
  const idsAt = (started: number): string[] =>
    (['full', 'incremental'] as const).map((kind) => formatBackupId({ type: kind, cluster, started }));
  for (let started = Math.floor(clock.now() / 1000) * 1000; ; started += 1000) {
    if (!idsAt(started).some((id) => taken.has(id)))
      return { id: formatBackupId({ type, cluster, started }), started };
  }
}
