import type { Clock } from '../clock.ts';
import type { RunListener } from '../scheduler/run-events.ts';
import type { RunRecord } from '../scheduler/run-record.ts';
import type { Tick } from '../scheduler/scheduler.ts';
import type { BackupFacts } from './backup-facts.ts';
import type { ClusterFacts, HealthReport } from './health.ts';
import { judgeHealth } from './health.ts';

export type ClusterObjectives = Pick<ClusterFacts, 'cluster' | 'maxAgeSeconds' | 'timeoutSeconds'>;

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
    for (const run of runs) if (run.result !== undefined) this.#see(run.cluster, { lastRun: run });
  }

  runListener(): RunListener {
    return {
      started: (run) => this.#see(run.cluster, { running: run }),
      ended: (run) => this.#see(run.cluster, { running: undefined, lastRun: run }),
    };
  }

  ticked({ cluster, at, nextRuns }: Tick): void {
    const nextRun = nextRuns.length === 0 ? undefined : Math.min(...nextRuns.map((next) => next.at));
    this.#see(cluster, { lastTick: at, nextRun });
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

function unseen(objectives: ClusterObjectives): ClusterFacts {
  return {
    ...objectives,
    lastTick: undefined,
    nextRun: undefined,
    server: 'unknown',
    catalogue: 'unknown',
    running: undefined,
    lastRun: undefined,
  };
}
