/** So many may do something at the same time; who comes later waits, first come, first served. */
export class Permits {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** Whether whoever comes now has to wait. */
  get isTaken(): boolean {
    return this.#free === 0;
  }

  /** Resolves with the call that gives the permit back. Rejects with the signal's reason when it aborts meanwhile. */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free -= 1;
    else await this.#turn(signal);
    return this.#release();
  }

  #turn(signal: AbortSignal): Promise<undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const giveUp = (): void => {
      this.#waiting.splice(this.#waiting.indexOf(granted), 1);
      reject(signal.reason as Error);
    };
    const granted = (): void => {
      signal.removeEventListener('abort', giveUp);
      resolve(undefined);
    };
    this.#waiting.push(granted);
    signal.addEventListener('abort', giveUp, { once: true });
    return promise;
  }

  #release(): () => void {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    };
  }
}
