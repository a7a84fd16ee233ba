import { LarderError } from './errors.ts';

/** The cluster of that name, or the only one. Throws CLUSTER_UNKNOWN; USAGE where several are configured and none is named. */
export function pickCluster<Cluster extends { readonly config: { readonly name: string } }>(
  clusters: readonly Cluster[],
  name: string | undefined,
): Cluster {
  const [only, second] = clusters;
  if (name === undefined && only !== undefined && second === undefined) return only;
  if (name === undefined) {
    const names = clusters.map(({ config }) => config.name).join(', ');
    throw new LarderError('USAGE', `several clusters are configured, and none is named: ${names}`);
  }
  const found = clusters.find(({ config }) => config.name === name);
  if (found === undefined) throw new LarderError('CLUSTER_UNKNOWN', `there is no cluster ${name}`);
  return found;
}
