import type { Clock } from '../clock.ts';
import type { RunListener } from '../scheduler/run-events.ts';
import type { RunRecord } from '../scheduler/run-record.ts';
import type { Tick } from '../scheduler/scheduler.ts';
import type { BackupFacts } from './backup-facts.ts';
import type { ClusterFacts, HealthReport, ReceiverFacts } from './health.ts';
import { judgeHealth } from './health.ts';

export interface ClusterObjectives extends Pick<
  ClusterFacts,
  'cluster' | 'maxAgeSeconds' | 'rpoSeconds' | 'timeoutSeconds'
> {
  /** Whether the log is to be received all the time. */
  readonly receives: boolean;
}

/** Remembers what was last seen of each cluster, for health to judge. Nothing is ok before it was seen. */
export class ServiceState {
  readonly #clock: Clock;
  readonly #started: number;
  readonly #clusters: Map<string, ClusterFacts>;
  #stopping = false;

  constructor(clock: Clock, clusters: readonly ClusterObjectives[]) {
    this.#clock = clock;
    this.#started = clock.now();
    this.#clusters = new Map(clusters.map((objectives) => [objectives.cluster, unseen(objectives)]));
  }

  health(): HealthReport {
    return judgeHealth({
      now: this.#clock.now(),
      started: this.#started,
      stopping: this.#stopping,
      clusters: [...this.#clusters.values()],
    });
  }

  /** From now on probes see `stopping`. */
  stopping(): void {
    this.#stopping = true;
  }

  /** Takes over what the history knows, oldest run first. */
  restore(runs: readonly RunRecord[]): void {
    for (const run of runs) this.#seeEnd(run);
  }

  runListener(): RunListener {
    return {
      started: (run) => this.#seeRunning(run.cluster, (running) => [...running, run]),
      retrying: ({ run, attempt, error }) => this.#see(run.cluster, { retrying: { run, attempt, error } }),
      ended: (run) => {
        this.#seeRunning(run.cluster, (running) => running.filter(({ id }) => id !== run.id));
        const { retrying } = this.#clusters.get(run.cluster) ?? {};
        if (retrying?.run.id === run.id) this.#see(run.cluster, { retrying: undefined });
        this.#seeEnd(run);
      },
    };
  }

  #seeRunning(cluster: string, change: (running: readonly RunRecord[]) => readonly RunRecord[]): void {
    this.#see(cluster, { running: change(this.#clusters.get(cluster)?.running ?? []) });
  }

  /** What never began says nothing of how the last run went. */
  #seeEnd(run: RunRecord): void {
    const known = this.#clusters.get(run.cluster);
    if (known === undefined || run.result === undefined) return;
    if (run.result === 'coalesced' || run.result === 'skipped') return;
    this.#see(run.cluster, { lastRuns: new Map(known.lastRuns).set(run.task, run) });
  }

  ticked({ cluster, at, nextRuns }: Tick): void {
    const nextRun = nextRuns.length === 0 ? undefined : Math.min(...nextRuns.map((next) => next.at));
    this.#see(cluster, { lastTick: at, nextRun });
  }

  roleChanged(cluster: string, role: ClusterFacts['role']): void {
    this.#see(cluster, { role });
  }

  /** Undefined while no receiver runs. */
  receiverSeen(cluster: string, status: ReceiverFacts | undefined): void {
    const known = this.#clusters.get(cluster)?.receiver;
    if (known !== 'off') this.#see(cluster, { receiver: status });
  }

  serverChecked(cluster: string, up: boolean): void {
    this.#see(cluster, { server: up ? 'up' : 'down' });
  }

  /** `backups` is `unknown` when the catalogue could not be read. */
  catalogueRead(cluster: string, backups: readonly BackupFacts[] | 'unknown'): void {
    const catalogue = backups === 'unknown' ? backups : { readAt: this.#clock.now(), backups };
    this.#see(cluster, { catalogue });
  }

  #see(cluster: string, seen: Partial<ClusterFacts>): void {
    const known = this.#clusters.get(cluster);
    // the history may tell of a cluster that is no longer configured
    if (known !== undefined) this.#clusters.set(cluster, { ...known, ...seen });
  }
}

function unseen({ receives, ...objectives }: ClusterObjectives): ClusterFacts {
  return {
    ...objectives,
    lastTick: undefined,
    nextRun: undefined,
    server: 'unknown',
    catalogue: 'unknown',
    role: 'starting',
    running: [],
    retrying: undefined,
    lastRuns: new Map(),
    receiver: receives ? undefined : 'off',
  };
}
