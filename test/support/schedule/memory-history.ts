import type { History } from '../../../src/scheduler/history.ts';
import type { RunRecord } from '../../../src/scheduler/run-record.ts';

/** A history whose processes die when the test says so: what they had not ended is then `interrupted`. */
export class MemoryHistory implements History {
  readonly #records = new Map<string, RunRecord>();
  readonly #dead = new Set<string>();

  append(record: RunRecord): Promise<void> {
    if (this.#records.get(record.id)?.ended === undefined) this.#records.set(record.id, record);
    return Promise.resolve();
  }

  runs(): Promise<RunRecord[]> {
    return Promise.resolve(this.all);
  }

  get all(): RunRecord[] {
    return [...this.#records.values()].map((record) =>
      record.ended === undefined && this.#dead.has(record.id) ? { ...record, result: 'interrupted' } : record,
    );
  }

  /** The process that has written so far is gone. */
  died(): void {
    for (const { id, ended } of this.#records.values()) if (ended === undefined) this.#dead.add(id);
  }
}
