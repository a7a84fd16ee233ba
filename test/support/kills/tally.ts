/** How many signals met which phase. */
export class Tally {
  readonly #hits = new Map<string, number>();
  #missed = 0;

  /** Without a phase: the operation was over when the signal came, which counts for nothing. */
  add(phase: string | undefined): void {
    if (phase === undefined) {
      this.#missed += 1;
      return;
    }
    this.#hits.set(phase, (this.#hits.get(phase) ?? 0) + 1);
  }

  get total(): number {
    return this.#hits.values().reduce((sum, hits) => sum + hits, 0);
  }

  /** Whether that many signals met something, and each of the phases was met. */
  covers(count: number, phases: readonly string[]): boolean {
    return this.total >= count && phases.every((phase) => this.#hits.has(phase));
  }

  /** Printed past jest, which would say for each line where it came from. */
  print(title: string): void {
    const lines = [...this.#hits].map(
      ([phase, hits]) => `  ${phase.padEnd(14)} ${String(hits).padStart(4)} ${'#'.repeat(hits)}`,
    );
    process.stdout.write(
      `${[`${title}: ${this.total} hits, ${this.#missed} too late`, ...lines].join('\n')}\n`,
    );
  }
}
