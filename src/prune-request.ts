import type { Clock } from './clock.ts';
import { LEASE_WAIT, type ClusterParts } from './cluster-parts.ts';
import { readServerFacts } from './postgres/sql/server-facts.ts';
import { Session } from './postgres/sql/session.ts';
import type { PruneRequest } from './retention/prune.ts';
import type { History } from './scheduler/history.ts';
import { newestFailure } from './scheduler/newest-failure.ts';

/** What pruning the cluster's repository asks for: its policy, the server's clock, and how its backups went. */
export function pruneRequest(
  { config, store, location }: ClusterParts,
  { history, clock }: { readonly history: Pick<History, 'runs'>; readonly clock: Clock },
): PruneRequest {
  const { name: cluster, connection, retention: policy } = config;
  return {
    store,
    location,
    policy,
    leaseWait: LEASE_WAIT,
    clockSkew: async (signal) => {
      await using session = await Session.open(connection, signal);
      return (await readServerFacts(session, clock)).clockSkew;
    },
    backupFailure: async () => newestFailure(await history.runs(), cluster),
  };
}
