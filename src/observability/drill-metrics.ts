import type { Registry } from 'prom-client';
import { gaugeFactory, seconds } from './gauges.ts';
import type { DrillSeen } from './newest-drill.ts';

/** The series of the last drill of each cluster: what was measured, beside the objectives. */
export class DrillMetrics {
  readonly #gauges: ReturnType<typeof drillGauges>;

  constructor(registry: Registry, clusters: readonly { readonly cluster: string }[]) {
    this.#gauges = drillGauges(registry);
    for (const { cluster } of clusters) {
      for (const gauge of Object.values(this.#gauges)) gauge.set({ cluster }, 0);
    }
  }

  held(cluster: string, { recorded, report }: DrillSeen): void {
    this.#gauges.time.set({ cluster }, seconds(recorded));
    this.#gauges.recovery.set({ cluster }, report.recoverySeconds ?? Number.NaN);
    this.#gauges.lost.set({ cluster }, report.lostSeconds ?? Number.NaN);
    this.#gauges.met.set({ cluster }, report.met ? 1 : 0);
  }
}

function drillGauges(registry: Registry) {
  const gauge = gaugeFactory(registry, ['cluster']);
  return {
    time: gauge('drill_last_timestamp_seconds', 'When the last drill was written down, 0 = never'),
    recovery: gauge(
      'drill_last_recovery_seconds',
      'From its first step until the copy answered queries, NaN = it never did',
    ),
    lost: gauge('drill_last_recovery_gap_seconds', 'Time of data that it would have lost, NaN = not known'),
    met: gauge('drill_last_objectives_met', '1 if nothing failed and both objectives were met'),
  };
}
