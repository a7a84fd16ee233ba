import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

/** Defines gauges that share a registry and labels; the prefix `larder_` is added here and nowhere else. */
export function gaugeFactory<Label extends string>(
  registry: Registry,
  labelNames: readonly Label[],
): (name: string, help: string) => Gauge<Label> {
  return (name: string, help: string): Gauge<Label> =>
    new Gauge({ name: `larder_${name}`, help, labelNames: [...labelNames], registers: [registry] });
}

/** Prometheus counts time in seconds. */
export function seconds(milliseconds: number): number {
  return milliseconds / 1000;
}
