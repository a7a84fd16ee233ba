import type { Registry } from 'prom-client';
import type { ReceiverStatus } from '../transaction-log/receiver-status.ts';
import { gaugeFactory, seconds } from './gauges.ts';

/** The series of the transaction log as it is received. */
export class ReceiverMetrics {
  readonly #gauges: ReturnType<typeof receiverGauges>;

  constructor(registry: Registry, clusters: readonly { readonly cluster: string }[]) {
    this.#gauges = receiverGauges(registry);
    for (const { cluster } of clusters) {
      for (const gauge of Object.values(this.#gauges)) gauge.set({ cluster }, 0);
    }
  }

  /** Undefined while no receiver runs; what was last known of lag and slot then stays. */
  seen(cluster: string, status: ReceiverStatus | undefined): void {
    const labels = { cluster };
    this.#gauges.up.set(labels, status?.state === 'streaming' ? 1 : 0);
    if (status === undefined) return;
    const { durable, serverEnd, slot } = status;
    this.#gauges.restarts.set(labels, status.restarts);
    this.#gauges.unprotectedSince.set(labels, seconds(status.unprotectedSince));
    this.#gauges.spool.set(labels, status.spoolBytes);
    if (durable !== undefined && serverEnd !== undefined) {
      this.#gauges.lag.set(labels, Math.max(0, Number(serverEnd - durable)));
    }
    if (slot === undefined) return;
    if (slot.retainedBytes !== undefined) this.#gauges.retained.set(labels, slot.retainedBytes);
    this.#gauges.lost.set(labels, slot.walStatus === 'lost' ? 1 : 0);
  }
}

function receiverGauges(registry: Registry) {
  const gauge = gaugeFactory(registry, ['cluster']);
  return {
    up: gauge('wal_receiver_up', '1 while the transaction log is streamed'),
    restarts: gauge('wal_receiver_restarts', 'Connections of the receiver after its first one'),
    unprotectedSince: gauge(
      'wal_unprotected_since_timestamp_seconds',
      'Time of the oldest change that is not durable, 0 = none',
    ),
    lag: gauge('wal_archive_lag_bytes', 'What the server has behind what is durable'),
    spool: gauge('wal_spool_bytes', 'Finished segments that wait in the spool'),
    retained: gauge('slot_retained_bytes', 'WAL that the server keeps for the receiver'),
    lost: gauge('slot_lost', '1 if the server gave the slot up'),
  };
}
