import type { Clock } from '../clock.ts';
import { newestGoodBackup } from './backup-facts.ts';
import type { Metrics } from './metrics.ts';
import type { Space } from './repository-metrics.ts';
import type { RepositoryFacts } from './repository-survey.ts';
import type { ServerSeen } from './server-metrics.ts';
import type { ServiceState } from './service-state.ts';

const EVERY_MS = 60_000;
/** A survey of thousands of backups takes seconds: it is repeated so rarely that it takes a 300th of the time. */
const SURVEY_SHARE = 300;
/** Health takes what it knows of a repository for outdated after 15 minutes. */
const LONGEST_BETWEEN_SURVEYS_MS = 10 * 60_000;

/** How to look at one cluster and its repository. Each may reject: then the thing looked at is down. */
export interface ClusterProbes {
  readonly server: () => Promise<ServerSeen>;
  /** Whether the repository is there and answers; cheap, whatever it holds. */
  readonly repository: () => Promise<void>;
  readonly survey: () => Promise<RepositoryFacts>;
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

/**
 * Looks at a cluster and its repository every minute, and tells metrics and health what it saw. What the repository holds is
 * looked through less often the longer that takes.
 */
export class ClusterWatch {
  readonly #parts: ClusterWatchParts;
  readonly #stop = new AbortController();
  /** On the clock that never jumps. */
  #nextSurvey = Number.NEGATIVE_INFINITY;
  #current: Promise<void> | undefined;
  #following: Promise<void> | undefined;

  constructor(parts: ClusterWatchParts) {
    this.#parts = parts;
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Looks at everything once; call it when a run has ended. Never rejects. Who asks meanwhile shares the next look. */
  look(): Promise<void> {
    if (this.#current === undefined) return this.#begin();
    this.#following ??= this.#current.then(() => {
      this.#following = undefined;
      return this.#begin();
    });
    return this.#following;
  }

  #begin(): Promise<void> {
    this.#nextSurvey = Number.NEGATIVE_INFINITY;
    return this.#lookAsDue();
  }

  #lookAsDue(): Promise<void> {
    this.#current = Promise.all([this.#lookAtServer(), this.#lookAtRepository()]).then(() => {
      this.#current = undefined;
    });
    return this.#current;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await (this.#current ?? this.#lookAsDue());
      try {
        await this.#parts.clock.sleep(EVERY_MS, this.#stop.signal);
      } catch {
        // stopped
      }
    }
  }

  async #lookAtServer(): Promise<void> {
    const { cluster, probes, metrics, state } = this.#parts;
    const seen = await this.#try(probes.server);
    metrics.serverChecked(cluster, seen);
    state.serverChecked(cluster, seen !== undefined);
  }

  async #lookAtRepository(): Promise<void> {
    const { cluster, repo, probes, clock, metrics, state } = this.#parts;
    const isDue = clock.monotonic() >= this.#nextSurvey;
    const answers = await this.#try(async () => {
      await (isDue ? this.#survey() : probes.repository());
      return true;
    });
    if (answers === undefined) {
      this.#nextSurvey = Number.NEGATIVE_INFINITY;
      state.catalogueRead(cluster, 'unknown');
    }
    metrics.repositoryChecked(repo, answers === true, clock.now());
    const space = await this.#try(probes.space);
    if (space !== undefined) metrics.spaceMeasured(repo, space);
  }

  async #survey(): Promise<void> {
    const { cluster, repo, probes, clock, metrics, state } = this.#parts;
    const begun = clock.monotonic();
    const facts = await probes.survey();
    metrics.repositorySurveyed(cluster, repo, facts);
    state.catalogueRead(cluster, facts.backups);
    // without a good backup health is failing: that must end within a minute of the first one, whoever of the replicas took it
    const mayWait = newestGoodBackup(facts.backups) !== undefined;
    this.#nextSurvey = clock.monotonic() + (mayWait ? untilNextSurvey(clock.monotonic() - begun) : 0);
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

/** Milliseconds from the end of one survey to the next, by how long it took. */
export function untilNextSurvey(took: number): number {
  return Math.min(took * SURVEY_SHARE, LONGEST_BETWEEN_SURVEYS_MS);
}
