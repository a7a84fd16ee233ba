import type { Gauge, Registry } from 'prom-client';
import { gaugeFactory, seconds } from './gauges.ts';

/** What a server said of itself when it was last asked; undefined: this role may not know. */
export interface ServerSeen {
  readonly version: string;
  readonly systemIdentifier: string | undefined;
  readonly timeline: number | undefined;
  /** Its clock minus ours, milliseconds. */
  readonly clockSkew: number;
}

export interface ClusterObjectiveSeconds {
  readonly cluster: string;
  readonly rpoSeconds: number;
  readonly rtoSeconds: number;
}

/** The series of the servers, of who leads, and of what is wanted of each cluster. */
export class ServerMetrics {
  readonly #gauges: ReturnType<typeof serverGauges>;
  readonly #info: Gauge<'cluster' | 'system_identifier' | 'pg_version'>;
  readonly #known = new Map<string, { system_identifier: string; pg_version: string }>();

  constructor(registry: Registry, clusters: readonly ClusterObjectiveSeconds[]) {
    this.#gauges = serverGauges(registry);
    this.#info = gaugeFactory(registry, ['cluster', 'system_identifier', 'pg_version'])(
      'cluster_info',
      'Always 1, from the first answer of the server on',
    );
    for (const { cluster, rpoSeconds, rtoSeconds } of clusters) {
      for (const gauge of Object.values(this.#gauges)) gauge.set({ cluster }, 0);
      this.#gauges.rpo.set({ cluster }, rpoSeconds);
      this.#gauges.rto.set({ cluster }, rtoSeconds);
    }
  }

  /** Undefined: it did not answer; what it said before stays. */
  checked(cluster: string, seen: ServerSeen | undefined): void {
    this.#gauges.up.set({ cluster }, seen === undefined ? 0 : 1);
    if (seen === undefined) return;
    this.#gauges.clockSkew.set({ cluster }, -seconds(seen.clockSkew));
    if (seen.timeline !== undefined) this.#gauges.timeline.set({ cluster }, seen.timeline);
    this.#identified(cluster, seen);
  }

  roleChanged(cluster: string, leads: boolean, epoch: number): void {
    this.#gauges.leader.set({ cluster }, leads ? 1 : 0);
    this.#gauges.leaderEpoch.set({ cluster }, epoch);
  }

  /** One series a cluster: after an upgrade of the server the old one goes. */
  #identified(cluster: string, { version, systemIdentifier = '' }: ServerSeen): void {
    const labels = { system_identifier: systemIdentifier, pg_version: version };
    const before = this.#known.get(cluster);
    if (before !== undefined) this.#info.remove({ cluster, ...before });
    this.#info.set({ cluster, ...labels }, 1);
    this.#known.set(cluster, labels);
  }
}

function serverGauges(registry: Registry) {
  const gauge = gaugeFactory(registry, ['cluster']);
  return {
    leader: gauge('leader', '1 if this process starts the jobs of the cluster'),
    leaderEpoch: gauge('leader_epoch', 'Fencing number of the lease of the leader, 0 without one'),
    up: gauge('cluster_up', '1 if the server took a connection at the last check'),
    timeline: gauge('cluster_timeline', 'Timeline of the last checkpoint, 0 = not known'),
    clockSkew: gauge('cluster_clock_skew_seconds', "Our clock minus the server's"),
    rpo: gauge('rpo_target_seconds', 'Objective: how much time of data may be lost'),
    rto: gauge('rto_target_seconds', 'Objective: how long a restore may take'),
  };
}
