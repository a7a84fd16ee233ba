import type { AuditTrail } from './audit/audit-trail.ts';
import type { Clock } from './clock.ts';
import { clusterJobs } from './cluster-jobs.ts';
import { clusterLeadership } from './cluster-leadership.ts';
import { runLimits, schedulesOf } from './cluster-limits.ts';
import {
  assertKnownRepository,
  knowsBackup,
  readKnownCatalogue,
  receiverRequest,
  type ClusterParts,
} from './cluster-parts.ts';
import type { Config } from './config/config.ts';
import type { Part } from './daemon.ts';
import { LarderError } from './errors.ts';
import type { Task } from './jobs/job.ts';
import { ClusterWatch } from './observability/cluster-watch.ts';
import type { createLogger } from './observability/logger.ts';
import type { Metrics } from './observability/metrics.ts';
import { NOTHING_STORED, RepositorySurvey } from './observability/repository-survey.ts';
import type { ServiceState } from './observability/service-state.ts';
import { watchedStore } from './observability/watched-store.ts';
import { readServerVitals } from './postgres/sql/server-facts.ts';
import { Session } from './postgres/sql/session.ts';
import { readProcessIdentity } from './process-identity.ts';
import type { Catalogue } from './repository/catalogue.ts';
import { expectRepository } from './repository/expect-repository.ts';
import { parseBackupId, type BackupType } from './repository/layout.ts';
import { SEAL_RECORD_PREFIX } from './repository/wal/wal-layout.ts';
import type { Leadership, Role } from './scheduler/leadership.ts';
import type { Pause, Pauses } from './scheduler/pauses.ts';
import type { Permits } from './scheduler/permits.ts';
import type { RunEvents } from './scheduler/run-events.ts';
import type { RunHistory } from './scheduler/history.ts';
import { JobRunner, type RunRequest, type Submission } from './scheduler/runner.ts';
import { Scheduler, type ScheduledTask } from './scheduler/scheduler.ts';
import type { ObjectStore } from './storage/object-store.ts';
import { KeptReceiver } from './transaction-log/keep-receiving.ts';
import type { ReceiverNotice } from './transaction-log/receiver-request.ts';

/** What all clusters of a service share. */
export interface Shared {
  readonly clock: Clock;
  readonly larderVersion: string;
  readonly stateDirectory: string;
  readonly report: Config['report'];
  readonly logger: ReturnType<typeof createLogger>;
  readonly history: RunHistory;
  readonly pauses: Pauses;
  readonly permits: Permits;
  readonly events: RunEvents;
  readonly metrics: Metrics;
  readonly state: ServiceState;
  readonly trail: AuditTrail;
  /** Told when the trail cannot be written: what was done is not undone by that. */
  readonly notAudited: (error: unknown) => void;
}

/** One cluster of the service. */
export interface AssembledCluster {
  /** In the order of their start. */
  readonly parts: readonly Part[];
  /** Begins to stop everything at once, so that no part waits for another. */
  readonly beginStop: () => void;
  /** As `JobRunner.submit`; throws LEASE_HELD where another process leads. */
  readonly submit: (task: Task, request?: Omit<RunRequest, 'reason' | 'slot'>) => Submission;
  readonly cancel: (runId: string) => boolean;
  /** Has the schedule decide at once: call it when a pause is over before its time. */
  readonly wake: () => void;
  readonly role: () => Role;
}

/** Builds the parts of one cluster; nothing is started. */
export function assembleCluster(given: ClusterParts, shared: Shared): AssembledCluster {
  const { events, metrics, clock } = shared;
  const { name: cluster } = given.config;
  const parts = { ...given, store: watchedStore(given.store, clock, metrics.storeListener(cluster)) };
  const watch = clusterWatch(parts, shared);
  const jobOf = clusterJobs({
    ...shared,
    parts,
    onNotice: logNotice(cluster, shared),
    onRemoved: (ids) => void noteRemovals(ids, shared),
  });
  const runner = clusterRunner(parts, shared);
  const receiver = keptReceiver(parts, shared, () => leadership.leads);
  const leadership = clusterLeadership(parts, {
    clock,
    epochChanged: (epoch) => metrics.roleChanged(cluster, leadership.leads, epoch),
    changed: (role, why) => {
      tellRole(cluster, shared, { role, why, epoch: leadership.epoch });
      if (role === 'leader') receiver?.start();
      else {
        void receiver?.stop();
        void runner.interrupt('another process leads');
      }
      scheduler.forget();
    },
  });
  const scheduler = clusterScheduler(parts, shared, { runner, leadership, jobOf });
  events.listen({
    ended: (run) => {
      if (run.cluster !== cluster) return;
      scheduler.wake();
      void watch.look();
    },
  });
  return {
    parts: [
      { name: `watch of ${cluster}`, start: () => watch.start(), stop: () => watch.stop() },
      { name: `leadership of ${cluster}`, start: () => leadership.start(), stop: () => leadership.stop() },
      { name: `receiver of ${cluster}`, start: () => undefined, stop: () => receiver?.stop() },
      { name: `runs of ${cluster}`, start: () => undefined, stop: () => runner.shutdown() },
      { name: `schedule of ${cluster}`, start: () => scheduler.start(), stop: () => scheduler.stop() },
    ],
    beginStop: () => {
      scheduler.stop();
      void runner.shutdown();
      void receiver?.stop();
    },
    submit: (task, request = {}) => {
      if (!leadership.leads) throw notLeading(cluster);
      return runner.submit(jobOf(task, request.backupId), { ...request, reason: 'request' });
    },
    cancel: (runId) => runner.cancel(runId),
    wake: () => scheduler.wake(),
    role: () => leadership.role,
  };
}

function clusterRunner({ config }: ClusterParts, shared: Shared): JobRunner {
  const limits = runLimits(config, shared.clock.now());
  return new JobRunner({ ...shared, cluster: config.name, limits, random: Math.random });
}

function tellRole(
  cluster: string,
  { logger, state, metrics }: Shared,
  { role, why, epoch }: { readonly role: Role; readonly why: string; readonly epoch: number },
): void {
  logger.info({ cluster, role, why }, 'role changed');
  state.roleChanged(cluster, role);
  metrics.roleChanged(cluster, role === 'leader', epoch);
}

async function noteRemovals(ids: readonly string[], { trail, notAudited }: Shared): Promise<void> {
  for (const subject of ids) {
    const entry = { actor: 'schedule', action: 'delete', subject, details: { by: 'retention' } } as const;
    await trail.add(entry).catch(notAudited);
  }
}

function clusterScheduler(
  parts: ClusterParts,
  shared: Shared,
  driven: {
    readonly runner: JobRunner;
    readonly leadership: Leadership;
    readonly jobOf: ReturnType<typeof clusterJobs>;
  },
): Scheduler {
  const { history, clock, metrics, state, logger } = shared;
  const { name: cluster, schedules, objectives } = parts.config;
  const tasks = scheduledTasks(parts, shared);
  let pauses: readonly Pause[] = [];
  return new Scheduler({
    cluster,
    tasks,
    jobOf: driven.jobOf,
    verifyAfterBackup: schedules.verifyAfterBackup,
    blackouts: schedules.blackouts,
    pausedTasks: async (now) => {
      pauses = await readPauses(cluster, now, shared);
      return new Set(pauses.map(({ task }) => task));
    },
    rpo: objectives.rpo,
    isLeader: () => driven.leadership.leads,
    runner: driven.runner,
    history,
    clock,
    ticked: (tick) => {
      metrics.ticked(tick);
      metrics.roleChanged(cluster, driven.leadership.leads, driven.leadership.epoch);
      for (const { task } of tasks) {
        metrics.pauseSeen(cluster, task, pauses.find((pause) => pause.task === task)?.until);
      }
      state.ticked(tick);
    },
    tickFailed: (error) => logger.error({ cluster, err: error }, 'the scheduler could not decide'),
  });
}

/** Where the pauses cannot be read there are none: a file that nobody can read must not end all backups. */
async function readPauses(cluster: string, now: number, { pauses, logger }: Shared): Promise<Pause[]> {
  try {
    return (await pauses.read(now)).filter((pause) => pause.cluster === cluster);
  } catch (error) {
    logger.error({ cluster, err: error }, 'the pauses cannot be read: nothing is paused');
    return [];
  }
}

/** Seals cost next to nothing, and are caught up however late; backups within their windows. */
function scheduledTasks(parts: ClusterParts, { history }: Shared): ScheduledTask[] {
  const { config, store } = parts;
  const { catchUp, catchUpWindow } = config.schedules;
  const newestBackup = async (type?: BackupType): Promise<number | undefined> =>
    newestStart(await readKnownCatalogue(parts, await knowsBackup(history, config.name)), type);
  const details: Partial<Record<Task, Partial<ScheduledTask>>> = {
    transaction_log: { newest: () => newestSeal(store) },
    backup_full: { newest: () => newestBackup('full'), catchUpWindow: catchUpWindow.full },
    backup_incremental: { newest: () => newestBackup(), catchUpWindow: catchUpWindow.incremental },
  };
  return [...schedulesOf(config)].map(([task, schedule]) => ({
    task,
    schedule,
    catchUp,
    catchUpWindow: Number.POSITIVE_INFINITY,
    ...details[task],
  }));
}

/** By the store's clock, which is near enough: it says whether another process has sealed meanwhile. Milliseconds. */
async function newestSeal(store: ObjectStore): Promise<number | undefined> {
  let newest: number | undefined;
  for await (const { modified } of store.list(SEAL_RECORD_PREFIX)) {
    newest = Math.max(newest ?? modified, modified);
  }
  return newest;
}

/** When the newest backup was started, by its name: also one whose record cannot be read. Milliseconds. */
function newestStart({ backups, unreadable }: Catalogue, type?: BackupType): number | undefined {
  const starts = [...backups, ...unreadable].flatMap(({ id }) => {
    const parsed = parseBackupId(id);
    return parsed !== undefined && (type === undefined || parsed.type === type) ? [parsed.started] : [];
  });
  return starts.length === 0 ? undefined : Math.max(...starts);
}

/** Undefined where the configuration says that the log is not received. */
function keptReceiver(
  parts: ClusterParts,
  shared: Shared,
  isLeader: () => boolean,
): KeptReceiver | undefined {
  const { name: cluster, transactionLog } = parts.config;
  if (!transactionLog.receive) return undefined;
  const { clock, history, metrics, state, logger, stateDirectory } = shared;
  return new KeptReceiver({
    request: receiverRequest(parts, stateDirectory),
    context: { clock, processIdentity: readProcessIdentity(), onNotice: logNotice(cluster, shared) },
    mayBegin: async () => {
      if (await knowsBackup(history, cluster)) await expectRepository(parts.store, parts.location, cluster);
    },
    onStatus: (status) => {
      metrics.receiverSeen(cluster, cluster, status);
      // a leader's receiver that ended has said why, which stays to be seen until it goes on
      if (status !== undefined || !isLeader()) state.receiverSeen(cluster, status);
    },
    onFailure: (error) => {
      const elsewhere = error.code === 'LEASE_HELD';
      if (elsewhere) metrics.receiverElsewhere(cluster);
      else logger.error({ cluster, err: error, hint: error.hint }, 'the log is not received');
      const problem = `${error.message} [${error.code}]`;
      state.receiverSeen(cluster, {
        state: elsewhere ? 'elsewhere' : 'failed',
        problem,
        unprotectedSince: 0,
      });
    },
  });
}

function logNotice(cluster: string, { logger }: Shared): (notice: ReceiverNotice) => void {
  return ({ level, text, hint }) => {
    const fields = { cluster, ...(hint === undefined ? {} : { hint }) };
    if (level === 'error') logger.error(fields, text);
    else if (level === 'warning') logger.warn(fields, text);
    else logger.info(fields, text);
  };
}

function clusterWatch(parts: ClusterParts, shared: Shared): ClusterWatch {
  const { history, clock, metrics, state, logger } = shared;
  const { name: cluster, connection } = parts.config;
  const survey = new RepositorySurvey(parts.store);
  const isThere = async () => assertKnownRepository(parts, await knowsBackup(history, cluster));
  return new ClusterWatch({
    cluster,
    repo: cluster,
    probes: {
      server: async () => {
        await using session = await Session.open(connection);
        return await readServerVitals(session, clock);
      },
      repository: async () => {
        await isThere();
      },
      survey: async () => ((await isThere()) ? survey.read() : NOTHING_STORED),
      space: async () => {
        const found = await parts.store.capacity();
        return found === undefined ? undefined : { capacityBytes: found.total, freeBytes: found.free };
      },
    },
    clock,
    metrics,
    state,
    probeFailed: (error) => logger.warn({ cluster, err: error }, 'a check failed'),
  });
}

function notLeading(cluster: string): LarderError {
  return new LarderError('LEASE_HELD', `another process leads for ${cluster}, and runs its jobs`, {
    hint: 'Ask that one: /health of each says which it is.',
  });
}
