import { Counter } from 'prom-client';
import type { Registry } from 'prom-client';
import type { ReceiverStatus } from '../transaction-log/receiver-status.ts';
import { gaugeFactory, seconds } from './gauges.ts';

export interface ReceiverObjectives {
  readonly cluster: string;
  /** Whether the log is to be received all the time. */
  readonly receives: boolean;
  /** How much WAL the server may keep for the receiver. */
  readonly maxRetainedBytes: number;
}

/** The series of the transaction log as it is received. */
export class ReceiverMetrics {
  readonly #gauges: ReturnType<typeof receiverGauges>;
  readonly #restarts: Counter<'cluster'>;
  /** Reconnections that the present receiver has told of; undefined: none was seen yet, or it has ended. */
  readonly #reconnections = new Map<string, number | undefined>();

  constructor(registry: Registry, clusters: readonly ReceiverObjectives[]) {
    this.#gauges = receiverGauges(registry);
    this.#restarts = new Counter({
      name: 'larder_wal_receiver_restarts_total',
      help: 'Connections of the receiver after its first one',
      labelNames: ['cluster'],
      registers: [registry],
    });
    for (const { cluster, receives, maxRetainedBytes } of clusters) {
      for (const gauge of Object.values(this.#gauges)) gauge.set({ cluster }, 0);
      this.#restarts.inc({ cluster }, 0);
      this.#gauges.enabled.set({ cluster }, receives ? 1 : 0);
      this.#gauges.maxRetained.set({ cluster }, maxRetainedBytes);
      this.#gauges.safe.set({ cluster }, Number.POSITIVE_INFINITY);
    }
  }

  /** Undefined while no receiver runs; what was last known of lag and slot then stays. */
  seen(cluster: string, status: ReceiverStatus | undefined): void {
    const labels = { cluster };
    this.#gauges.up.set(labels, status?.state === 'streaming' ? 1 : 0);
    this.#countRestarts(cluster, status?.restarts);
    if (status === undefined) return;
    const { durable, serverEnd, slot } = status;
    this.#gauges.elsewhere.set(labels, 0);
    this.#gauges.unprotectedSince.set(labels, seconds(status.unprotectedSince));
    this.#gauges.spool.set(labels, status.spoolBytes);
    if (durable !== undefined && serverEnd !== undefined) {
      this.#gauges.lag.set(labels, Math.max(0, Number(serverEnd - durable)));
    }
    if (slot !== undefined) this.#slotSeen(cluster, slot);
  }

  /** Another process of this host keeps a receiver running, so that ours does not. */
  elsewhere(cluster: string): void {
    this.#gauges.elsewhere.set({ cluster }, 1);
    this.#gauges.unprotectedSince.set({ cluster }, 0);
  }

  /** Each receiver counts from 0 on; one that follows another is a connection made anew too. */
  #countRestarts(cluster: string, reconnections: number | undefined): void {
    const before = this.#reconnections.get(cluster);
    const isFirst = !this.#reconnections.has(cluster);
    if (reconnections !== undefined) {
      const follows = before === undefined && !isFirst ? 1 : 0;
      this.#restarts.inc({ cluster }, Math.max(0, reconnections - (before ?? 0)) + follows);
    }
    if (reconnections !== undefined || !isFirst) this.#reconnections.set(cluster, reconnections);
  }

  #slotSeen(cluster: string, slot: NonNullable<ReceiverStatus['slot']>): void {
    const labels = { cluster };
    if (slot.retainedBytes !== undefined) this.#gauges.retained.set(labels, slot.retainedBytes);
    this.#gauges.safe.set(labels, slot.safeBytes ?? Number.POSITIVE_INFINITY);
    this.#gauges.lost.set(labels, slot.walStatus === 'lost' ? 1 : 0);
  }
}

function receiverGauges(registry: Registry) {
  const gauge = gaugeFactory(registry, ['cluster']);
  return {
    enabled: gauge('wal_receiver_enabled', '1 if the transaction log is to be streamed'),
    up: gauge('wal_receiver_up', '1 while the transaction log is streamed'),
    elsewhere: gauge('wal_receiver_elsewhere', '1 while another process of this host streams it'),
    unprotectedSince: gauge(
      'wal_unprotected_since_timestamp_seconds',
      'Time of the oldest change that is not durable, 0 = none',
    ),
    lag: gauge('wal_archive_lag_bytes', 'What the server has behind what is durable'),
    spool: gauge('wal_spool_bytes', 'Finished segments that wait in the spool'),
    retained: gauge('slot_retained_bytes', 'WAL that the server keeps for the receiver'),
    maxRetained: gauge(
      'slot_max_retained_bytes',
      'Objective: how much WAL the server may keep for the receiver',
    ),
    safe: gauge(
      'slot_safe_bytes',
      'WAL that can be written before the server gives the slot up, +Inf = no limit',
    ),
    lost: gauge('slot_lost', '1 if the server gave the slot up'),
  };
}
