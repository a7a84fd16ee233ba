import { readKnownCatalogue, type ClusterParts } from './cluster-parts.ts';
import type { Clock } from './clock.ts';
import type { Part } from './daemon.ts';
import { listBackupObjects } from './repository/backup-objects.ts';
import { parseProofRecordName } from './repository/layout.ts';
import { readSeals } from './repository/wal/seal-record.ts';
import type { RunHistory } from './scheduler/history.ts';
import type { RunRecord } from './scheduler/run-record.ts';
import { storedRuns, type StoredProof, type StoredResults } from './scheduler/stored-runs.ts';
import type { ObjectStore } from './storage/object-store.ts';

/** A store that hangs must not keep the service from starting. */
const START_WITHIN_MS = 10_000;
const AGAIN_MS = 60_000;

export interface RestoredHistoryParts {
  readonly clusters: readonly ClusterParts[];
  readonly history: RunHistory;
  readonly clock: Clock;
  /** Called at the start with every run on record, and later with those that are the newest of their kind and came late. */
  readonly restore: (runs: readonly RunRecord[]) => void;
  /** Told of how many runs the repositories knew and the history did not. */
  readonly filled: (runs: number) => void;
  /** Told why it could not be filled now. */
  readonly failed: (error: unknown) => void;
}

/** Has metrics and health know what ran before; fills a history that was lost or damaged with what the repositories tell. */
export class RestoredHistory implements Part {
  readonly name = 'history';
  readonly #parts: RestoredHistoryParts;
  readonly #stop = new AbortController();
  #isRestored = false;
  #running: Promise<void> | undefined;

  constructor(parts: RestoredHistoryParts) {
    this.#parts = parts;
  }

  /** What could not be read within ten seconds comes later. Throws STATE_NOT_WRITABLE. */
  async start(): Promise<void> {
    const { clock, history, restore } = this.#parts;
    const over = new AbortController();
    const late = clock.sleep(START_WITHIN_MS, over.signal).catch(() => undefined);
    await Promise.race([this.#once(), late]);
    over.abort();
    restore(await history.runs());
    this.#isRestored = true;
    void this.#untilStopped();
  }

  stop(): void {
    this.#stop.abort();
  }

  async #untilStopped(): Promise<void> {
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
    const { clusters, history, clock, filled, failed, restore } = this.#parts;
    try {
      if (!(await history.isIncomplete())) return;
      const found = await Promise.all(clusters.map(readStoredRuns));
      const added = await history.fill(found.flat(), clock);
      if (added.length === 0) return;
      filled(added.length);
      if (this.#isRestored) restore(newestOf(await history.runs(), added));
    } catch (error) {
      failed(error);
    }
  }
}

/** What is older than a run that is known already would take its place as the last one. */
function newestOf(all: readonly RunRecord[], added: readonly RunRecord[]): RunRecord[] {
  return added.filter(
    ({ id, cluster, task }) => all.findLast((run) => run.cluster === cluster && run.task === task)?.id === id,
  );
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
  for await (const { name, modified } of listBackupObjects(store)) {
    const proof = parseProofRecordName(name);
    if (proof !== undefined) proofs.push({ ...proof, at: modified });
  }
  return proofs;
}
