import { apiActions } from './api-actions.ts';
import { apiSource, type ApiCluster } from './api-source.ts';
import { assembleCluster, type AssembledCluster, type Shared } from './assemble-cluster.ts';
import { auditConfig } from './audit/audit-config.ts';
import { AuditedRuns } from './audit/audited-runs.ts';
import { AuditTrail } from './audit/audit-trail.ts';
import type { Clock } from './clock.ts';
import { intervalOf, runLimits, schedulesOf } from './cluster-limits.ts';
import { clusterParts } from './cluster-parts.ts';
import type { ClusterConfig, Config } from './config/config.ts';
import type { DaemonParts, Part } from './daemon.ts';
import { apiRoutes } from './http/api/api-routes.ts';
import { publishLocalService, withdrawLocalService } from './http/local-service.ts';
import { HttpServer } from './http/server.ts';
import { newToken } from './http/tokens.ts';
import type { Task } from './jobs/job.ts';
import { addressText } from './postgres/connection-settings.ts';
import { createLogger } from './observability/logger.ts';
import type { ClusterMetricsOptions } from './observability/metrics.ts';
import { Metrics } from './observability/metrics.ts';
import { newestDrill } from './observability/newest-drill.ts';
import { runLog } from './observability/run-log.ts';
import { ServiceState, type ClusterObjectives } from './observability/service-state.ts';
import { pickCluster } from './pick-cluster.ts';
import { PAGE_POLICY } from './report/page/report-page.ts';
import { RestoredHistory } from './restored-history.ts';
import { ReportPages } from './report-pages.ts';
import { evidenceStore } from './report/records/evidence.ts';
import { RunHistory } from './scheduler/history.ts';
import { Pauses } from './scheduler/pauses.ts';
import { Permits } from './scheduler/permits.ts';
import type { RunListener } from './scheduler/run-events.ts';
import { RunEvents } from './scheduler/run-events.ts';
import type { RunRecord } from './scheduler/run-record.ts';

/** The kinds of jobs that have series. */
const BUILT: readonly Task[] = [
  'backup_full',
  'backup_incremental',
  'transaction_log',
  'verify',
  'retention',
  'restore_test',
  'drill',
  'second_site_test',
];

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
export interface Service extends Pick<DaemonParts, 'parts' | 'stopping' | 'stopFailed'> {
  /** Runs a task as soon as it can, to its end; as `AssembledCluster.submit`. Rejects with CLUSTER_UNKNOWN. */
  readonly enqueue: (cluster: string, task: Task, backupId?: string) => Promise<RunRecord>;
}

/**
 * Builds every part of the service from its configuration; nothing is started, but the state directory is made.
 * Throws STATE_NOT_WRITABLE.
 */
export async function assembleService(options: ServiceOptions): Promise<Service> {
  const shared = await assembleShared(options);
  const { logger, state } = shared;
  const clusters = options.config.clusters.map((config): ApiCluster & { assembled: AssembledCluster } => {
    const parts = clusterParts(config);
    return { ...parts, assembled: assembleCluster(parts, shared) };
  });
  return {
    parts: [
      restoredHistory(options, shared),
      httpPart(options, shared, clusters),
      ...clusters.flatMap(({ assembled }) => assembled.parts),
    ],
    stopping: () => {
      logger.info('stopping');
      state.stopping();
      for (const { assembled } of clusters) assembled.beginStop();
    },
    stopFailed: (part, error) => logger.error({ part, err: error }, 'a part did not stop'),
    enqueue: async (cluster, task, backupId) => {
      const { assembled } = pickCluster(clusters, cluster);
      return assembled.submit(task, backupId === undefined ? {} : { backupId }).ended;
    },
  };
}

async function assembleShared(options: ServiceOptions): Promise<Shared> {
  const { config, clock, larderVersion } = options;
  const logger = createLogger(config.logLevel, options.log);
  const history = await RunHistory.open(config.stateDirectory, clock);
  const build = { version: larderVersion, revision: '', nodeVersion: process.version };
  const metrics = new Metrics(
    build,
    config.clusters.map((cluster) => metricsOptions(cluster, clock.now())),
  );
  const state = new ServiceState(clock, config.clusters.map(objectives));
  const events = new RunEvents((error) => logger.error({ err: error }, 'a listener failed'));
  for (const listener of [metrics.runListener(), state.runListener(), runLog(logger)])
    events.listen(listener);
  const trail = new AuditTrail(config.stateDirectory, clock);
  const notAudited = (error: unknown): void => logger.error({ err: error }, 'not in the audit trail');
  await auditConfig(trail, config.settings).catch(notAudited);
  events.listen(new AuditedRuns(trail, 'service', notAudited));
  if (options.listener !== undefined) events.listen(options.listener);
  await watchDrills(config, { events, metrics, logger });
  return {
    clock,
    larderVersion,
    stateDirectory: config.stateDirectory,
    report: config.report,
    logger,
    history,
    pauses: new Pauses(config.stateDirectory),
    permits: new Permits(config.parallelBackups),
    events,
    metrics,
    state,
    trail,
    notAudited,
  };
}

/** What the last drill measured, from what is written down of it: as it was before a restart, and after each run. */
async function watchDrills(
  { report, clusters }: Config,
  { events, metrics, logger }: Pick<Shared, 'events' | 'metrics' | 'logger'>,
): Promise<void> {
  const look = async (cluster: string): Promise<void> => {
    try {
      const drill = await newestDrill(evidenceStore(report.directory), cluster);
      if (drill !== undefined) metrics.drillHeld(cluster, drill);
    } catch (error) {
      logger.warn({ cluster, err: error }, 'the records of drills cannot be read');
    }
  };
  events.listen({ ended: ({ cluster }) => void look(cluster) });
  for (const { name } of clusters) await look(name);
}

function restoredHistory(
  { config, clock }: ServiceOptions,
  { history, metrics, state, logger }: Pick<Shared, 'history' | 'metrics' | 'state' | 'logger'>,
): RestoredHistory {
  return new RestoredHistory({
    clusters: config.clusters.map(clusterParts),
    history,
    clock,
    restore: (runs) => {
      metrics.restore(runs);
      state.restore(runs);
    },
    filled: (runs) =>
      logger.warn({ runs }, 'the history of runs was incomplete: the repository told of these'),
    failed: (error) =>
      logger.error({ err: error }, 'the history of runs is incomplete, and cannot be filled now'),
  });
}

/** Seconds. */
function objectives(cluster: ClusterConfig): ClusterObjectives {
  const rpoSeconds = cluster.objectives.rpo / 1000;
  return {
    cluster: cluster.name,
    maxAgeSeconds: Math.round(rpoSeconds * AGE_SLACK),
    rpoSeconds,
    timeoutSeconds: cluster.backupTimeout / 1000,
    receives: cluster.transactionLog.receive,
  };
}

function metricsOptions(cluster: ClusterConfig, now: number): ClusterMetricsOptions {
  const limits = runLimits(cluster, now);
  const job = (task: Task) => ({
    task,
    maxAgeSeconds: maxAgeSeconds(task, cluster, now),
    timeoutSeconds: limits[task].timeoutSeconds,
  });
  return {
    cluster: cluster.name,
    // a cluster has one repository, which has no name of its own
    repo: cluster.name,
    rpoSeconds: cluster.objectives.rpo / 1000,
    rtoSeconds: cluster.objectives.rto / 1000,
    windowSeconds: cluster.retention.transactionLog / 1000,
    storageRatio: cluster.objectives.storage,
    backupsMin: cluster.retention.floor,
    receives: cluster.transactionLog.receive,
    maxRetainedBytes: cluster.transactionLog.maxRetained,
    jobs: BUILT.map(job),
  };
}

/**
 * What has a schedule of its own is to be as young as that makes it, what hangs on backups as the objective says. What nobody
 * runs by schedule is never too old.
 */
function maxAgeSeconds(task: Task, cluster: ClusterConfig, now: number): number {
  const schedule = schedulesOf(cluster).get(task);
  const { incremental, verifyAfterBackup } = cluster.schedules;
  const hangsOnBackups =
    task === 'backup_incremental' ||
    (task === 'backup_full' && (schedule === undefined || incremental === undefined)) ||
    (task === 'verify' && verifyAfterBackup);
  if (!hangsOnBackups && schedule === undefined) return Number.POSITIVE_INFINITY;
  const age = hangsOnBackups || schedule === undefined ? cluster.objectives.rpo : intervalOf(schedule, now);
  return Math.round((age / 1000) * AGE_SLACK);
}

function httpPart(
  { config, larderVersion: version }: ServiceOptions,
  shared: Shared,
  clusters: readonly ApiCluster[],
): Part {
  const { state, metrics, logger, clock, stateDirectory } = shared;
  const { host, port, tokens } = config.http;
  const local = newToken();
  const pages = new ReportPages(
    clusters,
    { ...config, history: shared.history },
    { larderVersion: version, clock },
  );
  const http = new HttpServer({
    host,
    port,
    api: {
      routes: apiRoutes(apiSource({ ...shared, clusters }), apiActions({ ...shared, clusters })),
      tokens,
      localToken: { name: 'local', sha256: local.sha256, scopes: ['operate'] },
      version,
      clock,
    },
    report: { page: (cluster) => pages.page(cluster), policy: PAGE_POLICY, tokens, clock },
    health: () => state.health(),
    metrics,
    requestFailed: (error) => logger.error({ err: error }, 'a request failed'),
  });
  const service = () => ({ url: `http://${addressText(reachableAt(host, http.port))}`, token: local.token });
  return {
    name: 'http',
    start: async () => {
      await http.start();
      await publishLocalService(stateDirectory, service());
      logger.info({ version, host, port: http.port }, 'listening');
    },
    stop: async () => {
      await withdrawLocalService(stateDirectory, service());
      await http.stop();
    },
  };
}

/** Where this machine reaches what is bound to every address. */
function reachableAt(host: string, port: number): { host: string; port: number } {
  const everywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  return { host: everywhere[host] ?? host, port };
}
