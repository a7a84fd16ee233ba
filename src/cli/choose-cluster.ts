import type { ClusterConfig, Config } from '../config/config.ts';
import { LarderError } from '../errors.ts';
import { nearestKey } from '../nearest-key.ts';

/** The cluster of that name, or the only one. Throws USAGE. */
export function chooseCluster(config: Config, name: string | undefined): ClusterConfig {
  const names = config.clusters.map((cluster) => cluster.name);
  const [only, second] = config.clusters;
  if (name === undefined && only !== undefined && second === undefined) return only;
  const found = config.clusters.find((cluster) => cluster.name === name);
  if (found !== undefined) return found;
  if (name === undefined) {
    throw new LarderError('USAGE', `the configuration describes ${names.length} clusters`, {
      hint: `Say which one: --cluster ${names.join(' or --cluster ')}.`,
    });
  }
  const nearest = nearestKey(name, names);
  throw new LarderError('USAGE', `the configuration describes no cluster "${name}"`, {
    hint: nearest === undefined ? `It describes ${names.join(', ')}.` : `Did you mean ${nearest}?`,
  });
}
