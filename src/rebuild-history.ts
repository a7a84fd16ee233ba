import { readKnownCatalogue, type ClusterParts } from './cluster-parts.ts';
import type { Clock } from './clock.ts';
import type { Part } from './daemon.ts';
import { parseProofRecordName } from './repository/layout.ts';
import { readSeals } from './repository/wal/seal-record.ts';
import type { RunHistory } from './scheduler/history.ts';
import type { RunRecord } from './scheduler/run-record.ts';
import { storedRuns, type StoredProof, type StoredResults } from './scheduler/stored-runs.ts';
import type { ObjectStore } from './storage/object-store.ts';

/** A store that hangs must not keep the service from starting. */
const START_WITHIN_MS = 10_000;
const AGAIN_MS = 60_000;

export interface HistoryRebuildParts {
  readonly clusters: readonly ClusterParts[];
  readonly history: RunHistory;
  readonly clock: Clock;
  /** Told of the runs that the repositories knew of and the history did not. */
  readonly filled: (runs: readonly RunRecord[]) => void;
  /** Told why it could not be done now. */
  readonly failed: (error: unknown) => void;
}

/** Fills a history that was lost or damaged with what the repositories tell of runs. */
export class HistoryRebuild {
  readonly #parts: HistoryRebuildParts;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(parts: HistoryRebuildParts) {
    this.#parts = parts;
  }

  /** Tries once, for ten seconds at most: what could not be read by then comes later. Never rejects. */
  async atStart(): Promise<void> {
    const over = new AbortController();
    const late = this.#parts.clock.sleep(START_WITHIN_MS, over.signal).catch(() => undefined);
    await Promise.race([this.#once(), late]);
    over.abort();
  }

  /** Tries again every minute until it is done. */
  get part(): Part {
    return {
      name: 'history',
      start: () => void this.#untilDone(),
      stop: () => this.#stop.abort(),
    };
  }

  async #untilDone(): Promise<void> {
    for (;;) {
      try {
        await this.#parts.clock.sleep(AGAIN_MS, this.#stop.signal);
      } catch {
        return;
      }
      await this.#once();
    }
  }

  /** One at a time: a try that hangs is waited for. */
  #once(): Promise<void> {
    this.#running ??= this.#fill().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #fill(): Promise<void> {
    const { clusters, history, clock, filled, failed } = this.#parts;
    try {
      if (!(await history.isIncomplete())) return;
      const found = await Promise.all(clusters.map(readStoredRuns));
      const added = await history.fill(found.flat(), clock);
      if (added.length > 0) filled(added);
    } catch (error) {
      failed(error);
    }
  }
}

/** Where there is no repository there was never anything to record. Throws what keeps one from being read. */
async function readStoredRuns(parts: ClusterParts): Promise<RunRecord[]> {
  const { store, config } = parts;
  const { backups, unreadable } = await readKnownCatalogue(parts, false);
  // one that is damaged tells nothing; one that does not answer now may later
  const silent = unreadable.find(({ problem }) => problem.code === 'REPOSITORY_UNREACHABLE');
  if (silent !== undefined) throw silent.problem;
  const results: StoredResults = {
    cluster: config.name,
    backups,
    seals: await readSeals(store),
    proofs: await readProofs(store),
  };
  return storedRuns(results);
}

/** By their names alone. */
async function readProofs(store: ObjectStore): Promise<StoredProof[]> {
  const proofs: StoredProof[] = [];
  for await (const { name, modified } of store.list('')) {
    const proof = parseProofRecordName(name);
    if (proof !== undefined) proofs.push({ ...proof, at: modified });
  }
  return proofs;
}
