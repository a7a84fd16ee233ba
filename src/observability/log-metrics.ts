import { Counter } from 'prom-client';
import type { Registry } from 'prom-client';
import { gaugeFactory, seconds } from './gauges.ts';
import type { LogFacts } from './log-facts.ts';
import type { RepositoryLabels } from './repository-metrics.ts';

export interface LogObjectives extends RepositoryLabels {
  /** How far back any point is to be restorable. */
  readonly windowSeconds: number;
}

/** The series of the transaction log as it is stored. */
export class LogMetrics {
  readonly #gauges: ReturnType<typeof logGauges>;
  readonly #archivedBytes: Counter<'cluster' | 'repo'>;
  readonly #stored = new Map<string, bigint>();

  constructor(registry: Registry, repositories: readonly LogObjectives[]) {
    this.#gauges = logGauges(registry);
    this.#archivedBytes = new Counter({
      name: 'larder_wal_archived_bytes_total',
      help: 'WAL stored in the repository, before compression',
      labelNames: ['cluster', 'repo'],
      registers: [registry],
    });
    for (const { cluster, repo, windowSeconds } of repositories) {
      for (const gauge of Object.values(this.#gauges)) gauge.set({ cluster, repo }, 0);
      this.#gauges.windowTarget.set({ cluster, repo }, windowSeconds);
      this.#archivedBytes.inc({ cluster, repo }, 0);
    }
  }

  /** What nobody can tell now keeps its last value; `wal_damaged_records` says that it is so. */
  surveyed(labels: RepositoryLabels, { missingSegments, damaged, window, segments }: LogFacts): void {
    if (missingSegments !== undefined) this.#gauges.missing.set(labels, missingSegments);
    this.#gauges.segments.set(labels, segments);
    this.#gauges.damaged.set(labels, damaged);
    this.#gauges.windowStart.set(labels, seconds(window?.from ?? 0));
    this.#gauges.windowEnd.set(labels, seconds(window?.until ?? 0));
  }

  /** Everything before `stored` is in the repository. */
  storedUpTo(labels: RepositoryLabels, stored: bigint): void {
    const before = this.#stored.get(labels.repo);
    if (before !== undefined && stored > before)
      this.#archivedBytes.inc({ ...labels }, Number(stored - before));
    this.#stored.set(labels.repo, stored);
  }
}

function logGauges(registry: Registry) {
  const gauge = gaugeFactory(registry, ['cluster', 'repo']);
  return {
    segments: gauge('wal_stored_segments', 'Whole segments in the repository'),
    missing: gauge(
      'wal_missing_segments',
      'Segments that a backup would be rolled forward through, and nobody has',
    ),
    damaged: gauge(
      'wal_damaged_records',
      'Timeline histories and records of the log that are lost or unreadable',
    ),
    windowStart: gauge(
      'recovery_window_start_timestamp_seconds',
      'Oldest time from which on any point can be restored to, 0 = none',
    ),
    windowEnd: gauge(
      'recovery_window_end_timestamp_seconds',
      'Newest time that can be restored to, 0 = none',
    ),
    windowTarget: gauge(
      'recovery_window_target_seconds',
      'Objective: how far back any point can be restored to',
    ),
  };
}
