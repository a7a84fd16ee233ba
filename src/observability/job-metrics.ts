import { Counter } from 'prom-client';
import type { Gauge, Registry } from 'prom-client';
import type { Task } from '../jobs/job.ts';
import type { RunListener, RunProgress } from '../scheduler/run-events.ts';
import type { RunRecord, RunResult } from '../scheduler/run-record.ts';
import { gaugeFactory, seconds } from './gauges.ts';

const RESULTS: readonly RunResult[] = [
  'success',
  'failure',
  'timeout',
  'canceled',
  'interrupted',
  'coalesced',
  'skipped',
];

export interface JobObjectives {
  readonly cluster: string;
  readonly task: Task;
  /** How old the last success may become. */
  readonly maxAgeSeconds: number;
  readonly timeoutSeconds: number;
}

/** The series of the runs of every job. */
export class JobMetrics {
  readonly #runs: Counter<'cluster' | 'task' | 'result'>;
  readonly #retries: Counter<'cluster' | 'task'>;
  readonly #missed: Counter<'cluster' | 'task' | 'action'>;
  readonly #gauges: ReturnType<typeof jobGauges>;
  readonly #foundDamage: Gauge<'cluster'>;
  readonly #lastSuccess = new Map<string, number>();

  constructor(registry: Registry, jobs: readonly JobObjectives[]) {
    this.#gauges = jobGauges(registry);
    this.#foundDamage = gaugeFactory(registry, ['cluster'])(
      'verify_found_damage',
      '1 if the last verification that came to a verdict found a backup or the log damaged',
    );
    this.#runs = new Counter({
      name: 'larder_job_runs_total',
      help: 'Finished runs by result',
      labelNames: ['cluster', 'task', 'result'],
      registers: [registry],
    });
    this.#retries = new Counter({
      name: 'larder_job_retries_total',
      help: 'Attempts after the first of a run',
      labelNames: ['cluster', 'task'],
      registers: [registry],
    });
    this.#missed = new Counter({
      name: 'larder_schedule_missed_runs_total',
      help: 'Slots that were not started on time',
      labelNames: ['cluster', 'task', 'action'],
      registers: [registry],
    });
    for (const job of jobs) this.#create(job);
  }

  /** Takes over what the history knows, oldest run first, so that a restart resets nothing. */
  restore(runs: readonly RunRecord[]): void {
    for (const run of runs) if (run.result !== undefined) this.#count(run, run.result);
  }

  /**
   * The repository holds the result of a run that ended then, in milliseconds: it counts as a success also where the history
   * is lost or another host made it.
   */
  foundSuccess(cluster: string, task: Task, ended: number): void {
    this.#succeeded({ cluster, task }, ended);
  }

  listener(): RunListener {
    return {
      started: (run) => this.#started(run),
      progress: (progress) => this.#progressed(progress),
      retrying: ({ run: { cluster, task } }) => this.#retries.inc({ cluster, task }),
      ended: (run) => this.#ended(run),
    };
  }

  #create({ cluster, task, maxAgeSeconds, timeoutSeconds }: JobObjectives): void {
    const labels = { cluster, task };
    for (const gauge of Object.values(this.#gauges)) gauge.set(labels, 0);
    for (const result of RESULTS) this.#runs.inc({ ...labels, result }, 0);
    this.#retries.inc(labels, 0);
    this.#foundDamage.set({ cluster }, 0);
    for (const action of ['caught_up', 'dropped']) this.#missed.inc({ ...labels, action }, 0);
    this.#gauges.maxAge.set(labels, maxAgeSeconds);
    this.#gauges.timeout.set(labels, timeoutSeconds);
  }

  #started({ cluster, task, started }: RunRecord): void {
    const labels = { cluster, task };
    this.#gauges.running.set(labels, 1);
    this.#gauges.runningSince.set(labels, seconds(started));
    this.#gauges.progress.set(labels, 0);
    this.#gauges.lastProgress.set(labels, seconds(started));
  }

  #progressed({ run, at, doneBytes, totalBytes }: RunProgress): void {
    const labels = { cluster: run.cluster, task: run.task };
    this.#gauges.lastProgress.set(labels, seconds(at));
    if (totalBytes === undefined || totalBytes <= 0) return;
    // the whole is an estimate of the server: tables grow while they are read
    this.#gauges.progress.set(labels, Math.min(1, doneBytes / totalBytes));
  }

  #ended(run: RunRecord): void {
    const labels = { cluster: run.cluster, task: run.task };
    // what never began does not end what goes on
    if (run.result !== 'coalesced' && run.result !== 'skipped') this.#idle(labels);
    if (run.result !== undefined) this.#count(run, run.result);
  }

  #idle(labels: JobLabels): void {
    this.#gauges.running.set(labels, 0);
    this.#gauges.runningSince.set(labels, 0);
    this.#gauges.progress.set(labels, 0);
  }

  #count(run: RunRecord, result: RunResult): void {
    const { cluster, task, reason, durationSeconds } = run;
    const labels = { cluster, task };
    this.#runs.inc({ ...labels, result });
    if (reason === 'catch_up') this.#missed.inc({ ...labels, action: 'caught_up' });
    if (result === 'skipped') this.#missed.inc({ ...labels, action: 'dropped' });
    if (durationSeconds !== undefined) this.#gauges.lastDuration.set(labels, durationSeconds);
    if (task === 'verify') this.#judged(run, result);
    this.#rate(run, result);
  }

  /** What was stopped, or was not needed, is neither success nor failure. */
  #rate({ cluster, task, started, ended = started }: RunRecord, result: RunResult): void {
    const labels = { cluster, task };
    if (result === 'success') {
      this.#succeeded(labels, ended);
      this.#gauges.consecutiveFailures.set(labels, 0);
    } else if (result === 'failure' || result === 'timeout') {
      this.#gauges.lastFailure.set(labels, seconds(ended));
      this.#gauges.consecutiveFailures.inc(labels);
    }
  }

  /** What could not be carried out is no verdict, and leaves the one before. */
  #judged({ cluster, errorCode }: RunRecord, result: RunResult): void {
    if (result === 'success') this.#foundDamage.set({ cluster }, 0);
    if (errorCode === 'VERIFICATION_FAILED') this.#foundDamage.set({ cluster }, 1);
  }

  #succeeded(labels: JobLabels, ended: number): void {
    const key = `${labels.task} ${labels.cluster}`;
    const newest = Math.max(ended, this.#lastSuccess.get(key) ?? 0);
    this.#lastSuccess.set(key, newest);
    this.#gauges.lastSuccess.set(labels, seconds(newest));
    // it holds all that an incremental one would
    if (labels.task === 'backup_full') this.#succeeded({ ...labels, task: 'backup_incremental' }, ended);
  }
}

interface JobLabels {
  readonly cluster: string;
  readonly task: Task;
}

function jobGauges(registry: Registry) {
  const gauge = gaugeFactory(registry, ['cluster', 'task']);
  return {
    running: gauge('job_running', '1 while a run is in progress'),
    runningSince: gauge('job_running_since_timestamp_seconds', 'Start of the run in progress, 0 when idle'),
    progress: gauge('job_progress_ratio', 'Share of the run in progress that is done, 0 to 1'),
    lastProgress: gauge('job_last_progress_timestamp_seconds', 'When a run last moved bytes'),
    lastSuccess: gauge('job_last_success_timestamp_seconds', 'End of the last successful run, 0 = never'),
    lastFailure: gauge('job_last_failure_timestamp_seconds', 'End of the last failed run, 0 = never'),
    lastDuration: gauge('job_last_duration_seconds', 'Duration of the last finished run'),
    consecutiveFailures: gauge('job_consecutive_failures', 'Failed runs since the last success'),
    maxAge: gauge('job_max_age_seconds', 'Objective: how old the last success may become'),
    timeout: gauge('job_timeout_seconds', 'Objective: how long a run may take'),
  };
}
