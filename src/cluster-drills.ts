import type { ClusterParts } from './cluster-parts.ts';
import { CLUSTER_DEFAULTS } from './config/schema.ts';
import { parseDuration } from './config/units.ts';
import type { DrillRequest } from './drill/drill-request.ts';
import type { ProofSettings } from './jobs/prove.ts';
import type { StoreLocation } from './storage/object-store.ts';
import { openStore } from './storage/open-store.ts';

/** A drill from the cluster's own repository, as it is configured. */
export function drillRequest({ config, store, location }: ClusterParts, proof: ProofSettings): DrillRequest {
  const { name, workers, objectives, drill } = config;
  return {
    ...proof,
    store,
    location,
    repository: name,
    workers,
    scenario: 'routine',
    target: { kind: drill.target === 'random' ? 'random' : 'everything' },
    objectives: { rpoSeconds: objectives.rpo / 1000, rtoSeconds: objectives.rto / 1000 },
    application: drill.application,
  };
}

/** The same from the second site; undefined where none is configured. */
export function secondSiteRequest(parts: ClusterParts, proof: ProofSettings): DrillRequest | undefined {
  const { secondSite } = parts.config.drill;
  if (secondSite === undefined) return undefined;
  return { ...fromDirectory(drillRequest(parts, proof), secondSite), scenario: 'repository_loss' };
}

/** A drill on a host that has nothing but the repository, with the objectives that count where nobody set any. */
export function freshHostRequest(directory: string, proof: ProofSettings): DrillRequest {
  const { objectives, backup } = CLUSTER_DEFAULTS;
  return {
    ...proof,
    ...repositoryIn(directory),
    workers: backup.workers,
    scenario: 'routine',
    target: { kind: 'everything' },
    objectives: {
      rpoSeconds: parseDuration(objectives.rpo) / 1000,
      rtoSeconds: parseDuration(objectives.rto) / 1000,
    },
    application: undefined,
  };
}

/** The same drill from the repository in a directory. */
export function fromDirectory(request: DrillRequest, directory: string): DrillRequest {
  return { ...request, ...repositoryIn(directory) };
}

function repositoryIn(directory: string): Pick<DrillRequest, 'store' | 'location' | 'repository'> {
  const location: StoreLocation = { kind: 'filesystem', directory };
  return { location, store: openStore(location), repository: directory };
}
