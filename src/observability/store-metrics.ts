import { Counter, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import { STORE_OPERATIONS, type StoreListener } from './watched-store.ts';

/** From a cached look to a store that hangs, seconds. */
const BUCKETS = [0.001, 0.005, 0.025, 0.1, 0.5, 2, 10, 30];

/** The series of what is asked of repositories by the service's own thread; workers read and write packs beside it. */
export class StoreMetrics {
  readonly #duration: Histogram<'repo' | 'operation'>;
  readonly #errors: Counter<'repo' | 'operation'>;

  constructor(registry: Registry, repositories: readonly { readonly repo: string }[]) {
    const shared = { labelNames: ['repo', 'operation'] as const, registers: [registry] };
    this.#duration = new Histogram({
      ...shared,
      name: 'larder_repo_operation_duration_seconds',
      help: 'How long the store took to answer',
      buckets: BUCKETS,
    });
    this.#errors = new Counter({
      ...shared,
      name: 'larder_repo_operation_errors_total',
      help: 'Calls that the store could not answer',
    });
    for (const { repo } of repositories) {
      for (const operation of STORE_OPERATIONS) {
        this.#duration.zero({ repo, operation });
        this.#errors.inc({ repo, operation }, 0);
      }
    }
  }

  listener(repo: string): StoreListener {
    return ({ operation, seconds, failed }) => {
      this.#duration.observe({ repo, operation }, seconds);
      if (failed) this.#errors.inc({ repo, operation });
    };
  }
}
