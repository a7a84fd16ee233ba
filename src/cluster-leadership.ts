import { createHash } from 'node:crypto';
import type { Clock } from './clock.ts';
import type { ClusterParts } from './cluster-parts.ts';
import { AdvisoryLock } from './postgres/sql/advisory-lock.ts';
import { readProcessIdentity } from './process-identity.ts';
import { acquireLease } from './repository/lease.ts';
import { REPOSITORY_FILE } from './repository/layout.ts';
import { Leadership, type Role } from './scheduler/leadership.ts';
import { PrefixedStore } from './storage/prefixed-store.ts';

/** Beside the lease of whoever writes a backup: commands may write while the service leads. */
const LEASE_PREFIX = 'leader/';

/** Who leads among the processes that protect a cluster with one repository. */
export function clusterLeadership(
  { config, store }: ClusterParts,
  told: {
    readonly clock: Clock;
    readonly changed: (role: Role, why: string) => void;
    readonly epochChanged: (epoch: number) => void;
  },
): Leadership {
  const { clock } = told;
  const key = lockKey(config.name, config.repositoryPath);
  const leases = new PrefixedStore(store, LEASE_PREFIX);
  return new Leadership({
    ...told,
    takeLock: (signal) => AdvisoryLock.tryTake(config.connection, key, signal),
    repositoryExists: async () => (await store.stat(REPOSITORY_FILE)) !== undefined,
    takeLease: (signal) =>
      acquireLease(leases, {
        holder: 'leader',
        clock,
        processIdentity: readProcessIdentity(),
        waitMilliseconds: 0,
        signal,
      }),
  });
}

/** Two services that back one server up into two repositories must not keep each other from it. */
function lockKey(cluster: string, repositoryPath: string): bigint {
  const text = `larder leader\0${cluster}\0${repositoryPath}`;
  return createHash('sha256').update(text).digest().readBigInt64BE();
}
