import { Registry } from 'prom-client';
import type { Task } from '../jobs/job.ts';
import type { RunListener } from '../scheduler/run-events.ts';
import type { RunRecord } from '../scheduler/run-record.ts';
import type { Tick } from '../scheduler/scheduler.ts';
import type { ReceiverStatus } from '../transaction-log/receiver-status.ts';
import { newestGoodBackup } from './backup-facts.ts';
import { DrillMetrics } from './drill-metrics.ts';
import { gaugeFactory } from './gauges.ts';
import type { JobObjectives } from './job-metrics.ts';
import { JobMetrics } from './job-metrics.ts';
import { LogMetrics } from './log-metrics.ts';
import type { DrillSeen } from './newest-drill.ts';
import { processMetrics } from './process-metrics.ts';
import { ReceiverMetrics } from './receiver-metrics.ts';
import { RepositoryMetrics, type Space } from './repository-metrics.ts';
import type { RepositoryFacts } from './repository-survey.ts';
import { ScheduleMetrics } from './schedule-metrics.ts';
import { ServerMetrics, type ServerSeen } from './server-metrics.ts';
import { StoreMetrics } from './store-metrics.ts';
import type { StoreListener } from './watched-store.ts';

export interface BuildInfo {
  readonly version: string;
  readonly revision: string;
  readonly nodeVersion: string;
}

export interface ClusterMetricsOptions {
  readonly cluster: string;
  /** The repository's name in the configuration. */
  readonly repo: string;
  readonly rpoSeconds: number;
  readonly rtoSeconds: number;
  /** How far back any point is to be restorable. */
  readonly windowSeconds: number;
  /** How full the repository's file system may be, 0 to 1. */
  readonly storageRatio: number;
  readonly backupsMin: number;
  /** Whether the log is to be received all the time. */
  readonly receives: boolean;
  readonly maxRetainedBytes: number;
  readonly jobs: readonly Omit<JobObjectives, 'cluster'>[];
}

/**
 * Everything at /metrics. Every series exists from the start (a time of 0 = never), none is named after a single
 * backup, and times are exported as moments: an age would stand still when we do.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #schedule: ScheduleMetrics;
  readonly #jobs: JobMetrics;
  readonly #servers: ServerMetrics;
  readonly #repositories: RepositoryMetrics;
  readonly #stores: StoreMetrics;
  readonly #logs: LogMetrics;
  readonly #receivers: ReceiverMetrics;
  readonly #drills: DrillMetrics;

  constructor(build: BuildInfo, clusters: readonly ClusterMetricsOptions[]) {
    const jobs = clusters.flatMap(({ cluster, jobs }) => jobs.map((job) => ({ cluster, ...job })));
    this.#publish(build);
    processMetrics(this.#registry);
    this.#servers = new ServerMetrics(this.#registry, clusters);
    this.#schedule = new ScheduleMetrics(this.#registry, jobs);
    this.#jobs = new JobMetrics(this.#registry, jobs);
    this.#repositories = new RepositoryMetrics(this.#registry, clusters);
    this.#stores = new StoreMetrics(this.#registry, clusters);
    this.#logs = new LogMetrics(this.#registry, clusters);
    this.#receivers = new ReceiverMetrics(this.#registry, clusters);
    this.#drills = new DrillMetrics(this.#registry, clusters);
  }

  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;

  /** The exposition in Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Takes over what the history knows, oldest run first. Call once, before listening. */
  restore(runs: readonly RunRecord[]): void {
    this.#jobs.restore(runs);
  }

  runListener(): RunListener {
    return this.#jobs.listener();
  }

  ticked(tick: Tick): void {
    this.#schedule.ticked(tick);
  }

  /** Milliseconds since 1970 UTC; undefined where the schedule is not paused. */
  pauseSeen(cluster: string, task: Task, until: number | undefined): void {
    this.#schedule.pauseSeen(cluster, task, until);
  }

  roleChanged(cluster: string, leads: boolean, epoch: number): void {
    this.#servers.roleChanged(cluster, leads, epoch);
  }

  /** Undefined: the server did not answer. */
  serverChecked(cluster: string, seen: ServerSeen | undefined): void {
    this.#servers.checked(cluster, seen);
  }

  /** Undefined while no receiver runs. */
  receiverSeen(cluster: string, repo: string, status: ReceiverStatus | undefined): void {
    this.#receivers.seen(cluster, status);
    if (status?.stored !== undefined) this.#logs.storedUpTo({ cluster, repo }, status.stored);
  }

  /** Another process of this host receives the log. */
  receiverElsewhere(cluster: string): void {
    this.#receivers.elsewhere(cluster);
  }

  drillHeld(cluster: string, drill: DrillSeen): void {
    this.#drills.held(cluster, drill);
  }

  /** What the repository holds stands in for a lost history, and for the runs of other hosts. */
  repositorySurveyed(cluster: string, repo: string, facts: RepositoryFacts): void {
    this.#repositories.surveyed({ cluster, repo }, facts);
    this.#logs.surveyed({ cluster, repo }, facts.log);
    for (const [type, task] of [
      ['full', 'backup_full'],
      ['incremental', 'backup_incremental'],
    ] as const) {
      const newest = newestGoodBackup(facts.backups.filter((backup) => backup.type === type));
      if (newest !== undefined) this.#jobs.foundSuccess(cluster, task, newest.ended);
    }
    if (facts.sealed !== undefined) this.#jobs.foundSuccess(cluster, 'transaction_log', facts.sealed);
  }

  /** `at` in milliseconds since 1970 UTC. */
  repositoryChecked(repo: string, up: boolean, at: number): void {
    this.#repositories.checked(repo, up, at);
  }

  spaceMeasured(repo: string, space: Space): void {
    this.#repositories.measured(repo, space);
  }

  /** Told of what is asked of a repository's store. */
  storeListener(repo: string): StoreListener {
    return this.#stores.listener(repo);
  }

  #publish({ version, revision, nodeVersion }: BuildInfo): void {
    const info = gaugeFactory(this.#registry, ['version', 'revision', 'node_version']);
    info('build_info', 'Always 1').set({ version, revision, node_version: nodeVersion }, 1);
  }
}
