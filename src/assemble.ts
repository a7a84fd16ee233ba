import { auditConfig } from './audit/audit-config.ts';
import { AuditedRuns } from './audit/audited-runs.ts';
import { AuditTrail } from './audit/audit-trail.ts';
import type { Clock } from './clock.ts';
import {
  backupRequest,
  clusterParts,
  knowsBackup,
  readKnownCatalogue,
  type ClusterParts,
} from './cluster-parts.ts';
import type { ClusterConfig, Config } from './config/config.ts';
import type { DaemonParts, Part } from './daemon.ts';
import { apiSource } from './api-source.ts';
import { readRoutes } from './http/api/read-routes.ts';
import { HttpServer } from './http/server.ts';
import { backupJob } from './jobs/backup.ts';
import { catalogueFacts } from './observability/catalogue-facts.ts';
import { ClusterWatch } from './observability/cluster-watch.ts';
import { createLogger } from './observability/logger.ts';
import type { ClusterMetricsOptions } from './observability/metrics.ts';
import { Metrics } from './observability/metrics.ts';
import { runLog } from './observability/run-log.ts';
import { ServiceState } from './observability/service-state.ts';
import { Session } from './postgres/sql/session.ts';
import type { Catalogue } from './repository/catalogue.ts';
import { parseBackupId } from './repository/layout.ts';
import { readProcessIdentity } from './process-identity.ts';
import { RunHistory } from './scheduler/history.ts';
import type { RunListener } from './scheduler/run-events.ts';
import { RunEvents } from './scheduler/run-events.ts';
import { JobRunner } from './scheduler/runner.ts';
import { Schedule } from './scheduler/schedule.ts';
import type { ScheduledJob } from './scheduler/scheduler.ts';
import { Scheduler } from './scheduler/scheduler.ts';

/** A backup that takes longer than the one before it must not break the objective; a tenth of it is forgiven. */
const AGE_SLACK = 1.1;

export interface ServiceOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly larderVersion: string;
  /** Takes the log, a JSON line at a time; standard output without it. */
  readonly log?: { readonly write: (line: string) => void };
  /** Told of runs beside log, metrics and health. */
  readonly listener?: RunListener;
}

/** The service put together; `runDaemon` runs it. */
export type Service = Pick<DaemonParts, 'parts' | 'stopping' | 'stopFailed'>;

/** What all clusters of a service share. */
interface Shared extends ServiceOptions {
  readonly logger: ReturnType<typeof createLogger>;
  readonly history: RunHistory;
  readonly events: RunEvents;
  readonly metrics: Metrics;
  readonly state: ServiceState;
}

/**
 * Builds every part of the service from its configuration; nothing is started, but the state directory is made and read.
 * Throws STATE_NOT_WRITABLE, and CONFIG_INVALID for a schedule.
 */
export async function assembleService(options: ServiceOptions): Promise<Service> {
  const shared = await assembleShared(options);
  const { logger, state } = shared;
  const clusters = options.config.clusters.map((cluster) => assembleCluster(clusterParts(cluster), shared));
  return {
    parts: [httpPart(shared), ...clusters.flat()],
    stopping: () => {
      logger.info('stopping');
      state.stopping();
    },
    stopFailed: (part, error) => logger.error({ part, err: error }, 'a part did not stop'),
  };
}

async function assembleShared(options: ServiceOptions): Promise<Shared> {
  const { config, clock, larderVersion: version } = options;
  const logger = createLogger(config.logLevel, options.log);
  const history = await RunHistory.open(config.stateDirectory, clock);
  const build = { version, revision: '', nodeVersion: process.version };
  const metrics = new Metrics(build, config.clusters.map(metricsOptions));
  const state = new ServiceState(
    clock,
    config.clusters.map((cluster) => ({ cluster: cluster.name, ...objectives(cluster) })),
  );
  const past = await history.runs();
  metrics.restore(past);
  state.restore(past);
  const events = new RunEvents((error) => logger.error({ err: error }, 'a listener failed'));
  for (const listener of [metrics.runListener(), state.runListener(), runLog(logger)])
    events.listen(listener);
  const trail = new AuditTrail(config.stateDirectory, clock);
  const notAudited = (error: unknown): void => logger.error({ err: error }, 'not in the audit trail');
  await auditConfig(trail, config.settings).catch(notAudited);
  events.listen(new AuditedRuns(trail, 'service', notAudited));
  if (options.listener !== undefined) events.listen(options.listener);
  return { ...options, logger, history, events, metrics, state };
}

/** Seconds. */
function objectives(cluster: ClusterConfig): { maxAgeSeconds: number; timeoutSeconds: number } {
  return {
    maxAgeSeconds: Math.round((cluster.objectives.rpo / 1000) * AGE_SLACK),
    timeoutSeconds: cluster.backupTimeout / 1000,
  };
}

function metricsOptions(cluster: ClusterConfig): ClusterMetricsOptions {
  return {
    cluster: cluster.name,
    // a cluster has one repository, which has no name of its own
    repo: cluster.name,
    rpoSeconds: cluster.objectives.rpo / 1000,
    rtoSeconds: cluster.objectives.rto / 1000,
    jobs: [{ task: 'backup_full', ...objectives(cluster) }],
  };
}

function httpPart(shared: Shared): Part {
  const { config, state, metrics, logger, clock, larderVersion: version } = shared;
  const { host, port, tokens } = config.http;
  const http = new HttpServer({
    host,
    port,
    api: {
      routes: readRoutes(apiSource({ ...shared, clusters: config.clusters.map(clusterParts) })),
      tokens,
      version,
      clock,
    },
    health: () => state.health(),
    metrics,
    requestFailed: (error) => logger.error({ err: error }, 'a request failed'),
  });
  return {
    name: 'http',
    start: async () => {
      await http.start();
      logger.info({ version, host: config.http.host, port: http.port }, 'listening');
    },
    stop: () => http.stop(),
  };
}

/** The parts of one cluster, in the order of their start. */
function assembleCluster(parts: ClusterParts, shared: Shared): Part[] {
  const { history, events, clock, logger } = shared;
  const { name: cluster } = parts.config;
  const watch = clusterWatch(parts, shared);
  events.listen({
    ended: (run) => {
      if (run.cluster === cluster) void watch.look();
    },
  });
  const { timeoutSeconds: limit } = objectives(parts.config);
  const timeoutSeconds = { backup_full: limit, backup_incremental: limit, retention: limit };
  const runner = new JobRunner({ cluster, history, events, clock, timeoutSeconds });
  const scheduler = new Scheduler({
    cluster,
    jobs: [scheduledBackup(parts, shared)],
    runner,
    history,
    clock,
    ticked: (tick) => {
      shared.metrics.ticked(tick);
      shared.state.ticked(tick);
    },
    tickFailed: (error) => logger.error({ cluster, err: error }, 'the scheduler could not decide'),
  });
  return [
    { name: `watch of ${cluster}`, start: () => watch.start(), stop: () => watch.stop() },
    { name: `runs of ${cluster}`, start: () => undefined, stop: () => runner.shutdown() },
    { name: `schedule of ${cluster}`, start: () => scheduler.start(), stop: () => scheduler.stop() },
  ];
}

function scheduledBackup(parts: ClusterParts, { history, clock, larderVersion }: Shared): ScheduledJob {
  const { name, schedules } = parts.config;
  const repositoryExpected = (): Promise<boolean> => knowsBackup(history, name);
  return {
    job: backupJob({
      request: backupRequest(parts, larderVersion),
      clock,
      processIdentity: readProcessIdentity(),
      repositoryExpected,
    }),
    schedule: new Schedule(schedules.full),
    newestBackup: async () => newestStart(await readKnownCatalogue(parts, await repositoryExpected())),
  };
}

/** When the newest full backup was started, by its name: also one whose record cannot be read. Milliseconds. */
function newestStart({ backups, unreadable }: Catalogue): number | undefined {
  const starts = [...backups, ...unreadable].flatMap(({ id }) => {
    const parsed = parseBackupId(id);
    return parsed?.type === 'full' ? [parsed.started] : [];
  });
  return starts.length === 0 ? undefined : Math.max(...starts);
}

function clusterWatch(parts: ClusterParts, shared: Shared): ClusterWatch {
  const { history, clock, metrics, state, logger } = shared;
  const { name: cluster, connection } = parts.config;
  return new ClusterWatch({
    cluster,
    repo: cluster,
    probes: {
      server: async () => (await Session.open(connection)).close(),
      backups: async () =>
        catalogueFacts(await readKnownCatalogue(parts, await knowsBackup(history, cluster))),
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
