import type { Clock } from '../clock.ts';
import type { BackupFacts } from './backup-facts.ts';
import type { Metrics } from './metrics.ts';
import type { Space } from './repository-metrics.ts';
import type { ServiceState } from './service-state.ts';

const EVERY_MS = 60_000;

/** How to look at one cluster and its repository. Each may reject: then the thing looked at is down. */
export interface ClusterProbes {
  readonly server: () => Promise<void>;
  readonly backups: () => Promise<readonly BackupFacts[]>;
  /** Undefined where the store has no size. */
  readonly space: () => Promise<Space | undefined>;
}

export interface ClusterWatchParts {
  readonly cluster: string;
  readonly repo: string;
  readonly probes: ClusterProbes;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly state: ServiceState;
  /** Called with what a probe rejected with. */
  readonly probeFailed: (error: unknown) => void;
}

/** Looks at a cluster and its repository every minute, and tells metrics and health what it saw. */
export class ClusterWatch {
  readonly #parts: ClusterWatchParts;
  readonly #stop = new AbortController();

  constructor(parts: ClusterWatchParts) {
    this.#parts = parts;
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Looks once; call it also when a run has ended. Never rejects. */
  async look(): Promise<void> {
    await Promise.all([this.#lookAtServer(), this.#lookAtRepository()]);
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.look();
      try {
        await this.#parts.clock.sleep(EVERY_MS, this.#stop.signal);
      } catch {
        // stopped
      }
    }
  }

  async #lookAtServer(): Promise<void> {
    const { cluster, probes, metrics, state } = this.#parts;
    const up =
      (await this.#try(async () => {
        await probes.server();
        return true;
      })) === true;
    metrics.serverChecked(cluster, up);
    state.serverChecked(cluster, up);
  }

  async #lookAtRepository(): Promise<void> {
    const { cluster, repo, probes, clock, metrics, state } = this.#parts;
    const backups = await this.#try(probes.backups);
    if (backups !== undefined) metrics.catalogueRead(cluster, repo, backups);
    state.catalogueRead(cluster, backups ?? 'unknown');
    metrics.repositoryChecked(repo, backups !== undefined, clock.now());
    const space = await this.#try(probes.space);
    if (space !== undefined) metrics.spaceMeasured(repo, space);
  }

  async #try<T>(probe: () => Promise<T>): Promise<T | undefined> {
    try {
      return await probe();
    } catch (error) {
      this.#parts.probeFailed(error);
      return undefined;
    }
  }
}
