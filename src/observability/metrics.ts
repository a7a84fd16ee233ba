import { Registry } from 'prom-client';
import type { Gauge } from 'prom-client';
import type { Task } from '../jobs/job.ts';
import type { RunListener } from '../scheduler/run-events.ts';
import type { RunRecord } from '../scheduler/run-record.ts';
import type { Tick } from '../scheduler/scheduler.ts';
import type { ReceiverStatus } from '../transaction-log/receiver-status.ts';
import type { BackupFacts } from './backup-facts.ts';
import { newestGoodBackup } from './backup-facts.ts';
import { gaugeFactory, seconds } from './gauges.ts';
import type { JobObjectives } from './job-metrics.ts';
import { JobMetrics } from './job-metrics.ts';
import type { Space } from './repository-metrics.ts';
import { ReceiverMetrics } from './receiver-metrics.ts';
import { RepositoryMetrics } from './repository-metrics.ts';

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
  readonly jobs: readonly Omit<JobObjectives, 'cluster'>[];
}

/**
 * Everything at /metrics. Every series exists from the start (a time of 0 = never), none is named after a single
 * backup, and times are exported as moments: an age would stand still when we do.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #cluster: ReturnType<typeof clusterGauges>;
  readonly #nextRun: Gauge<'cluster' | 'task'>;
  readonly #lastTick: Gauge;
  readonly #ticks = new Map<string, number>();
  readonly #jobs: JobMetrics;
  readonly #repositories: RepositoryMetrics;
  readonly #receivers: ReceiverMetrics;
  readonly #pausedUntil: Gauge<'cluster' | 'task'>;

  constructor(build: BuildInfo, clusters: readonly ClusterMetricsOptions[]) {
    const jobs = clusters.flatMap(({ cluster, jobs }) => jobs.map((job) => ({ cluster, ...job })));
    this.#publish(build);
    this.#cluster = clusterGauges(this.#registry);
    this.#nextRun = gaugeFactory(this.#registry, ['cluster', 'task'])(
      'schedule_next_run_timestamp_seconds',
      'Next planned start, 0 if none',
    );
    this.#lastTick = gaugeFactory(this.#registry, [])(
      'scheduler_last_tick_timestamp_seconds',
      'Heartbeat of the scheduler, of its slowest cluster',
    );
    this.#jobs = new JobMetrics(this.#registry, jobs);
    this.#repositories = new RepositoryMetrics(this.#registry, clusters);
    this.#receivers = new ReceiverMetrics(this.#registry, clusters);
    this.#pausedUntil = gaugeFactory(this.#registry, ['cluster', 'task'])(
      'schedule_paused_until_timestamp_seconds',
      'End of the pause of the schedule, 0 if it is not paused',
    );
    for (const { cluster, task } of jobs) {
      this.#nextRun.set({ cluster, task }, 0);
      this.#pausedUntil.set({ cluster, task }, 0);
    }
    for (const { cluster, rpoSeconds, rtoSeconds } of clusters) {
      this.#ticks.set(cluster, 0);
      this.#cluster.up.set({ cluster }, 0);
      this.#cluster.leader.set({ cluster }, 0);
      this.#cluster.leaderEpoch.set({ cluster }, 0);
      this.#cluster.rpo.set({ cluster }, rpoSeconds);
      this.#cluster.rto.set({ cluster }, rtoSeconds);
    }
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

  ticked({ cluster, at, nextRuns }: Tick): void {
    this.#ticks.set(cluster, at);
    // one value for all: a scheduler that stands still must not hide behind another one
    this.#lastTick.set(seconds(Math.min(...this.#ticks.values())));
    for (const next of nextRuns) this.#nextRun.set({ cluster, task: next.task }, seconds(next.at));
  }

  roleChanged(cluster: string, leads: boolean, epoch: number): void {
    this.#cluster.leader.set({ cluster }, leads ? 1 : 0);
    this.#cluster.leaderEpoch.set({ cluster }, epoch);
  }

  /** Undefined while no receiver runs. */
  receiverSeen(cluster: string, status: ReceiverStatus | undefined): void {
    this.#receivers.seen(cluster, status);
  }

  /** Milliseconds since 1970 UTC; undefined where the schedule is not paused. */
  pauseSeen(cluster: string, task: Task, until: number | undefined): void {
    this.#pausedUntil.set({ cluster, task }, seconds(until ?? 0));
  }

  serverChecked(cluster: string, up: boolean): void {
    this.#cluster.up.set({ cluster }, up ? 1 : 0);
  }

  catalogueRead(cluster: string, repo: string, backups: readonly BackupFacts[]): void {
    this.#repositories.catalogueRead(cluster, repo, backups);
    const newest = newestGoodBackup(backups.filter(({ type }) => type === 'full'));
    if (newest !== undefined) this.#jobs.foundSuccess(cluster, 'backup_full', newest.ended);
  }

  /** `at` in milliseconds since 1970 UTC. */
  repositoryChecked(repo: string, up: boolean, at: number): void {
    this.#repositories.checked(repo, up, at);
  }

  spaceMeasured(repo: string, space: Space): void {
    this.#repositories.measured(repo, space);
  }

  #publish({ version, revision, nodeVersion }: BuildInfo): void {
    const info = gaugeFactory(this.#registry, ['version', 'revision', 'node_version']);
    info('build_info', 'Always 1').set({ version, revision, node_version: nodeVersion }, 1);
  }
}

function clusterGauges(registry: Registry) {
  const gauge = gaugeFactory(registry, ['cluster']);
  return {
    leader: gauge('leader', '1 if this process starts the jobs of the cluster'),
    leaderEpoch: gauge('leader_epoch', 'Fencing number of the lease of the leader, 0 without one'),
    up: gauge('cluster_up', '1 if the server took a connection at the last check'),
    rpo: gauge('rpo_target_seconds', 'Objective: how much time of data may be lost'),
    rto: gauge('rto_target_seconds', 'Objective: how long a restore may take'),
  };
}
