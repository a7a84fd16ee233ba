import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { clusterParts } from '../cluster-parts.ts';
import { proofSettings } from '../cluster-proofs.ts';
import type { ClusterConfig, Config } from '../config/config.ts';
import { drillRequest, freshHostRequest, fromDirectory } from '../cluster-drills.ts';
import { CLUSTER_DEFAULTS } from '../config/schema.ts';
import type { DrillRequest } from '../drill/drill-request.ts';
import { LarderError } from '../errors.ts';
import type { ProofSettings } from '../jobs/prove.ts';
import { scratchPlaces } from '../verify/proof/scratch-places.ts';
import { chooseCluster } from './choose-cluster.ts';
import type { CliParts } from './cli-parts.ts';

/** The word for the repository that `drill.second-site` names. */
const SECOND_SITE = 'second-site';

/** What a drill reads, and what is configured of the cluster, where anything is. */
export interface DrillChoice {
  readonly request: DrillRequest;
  /** Undefined on a host that has nothing but the repository. */
  readonly configured: { readonly config: Config; readonly cluster: ClusterConfig } | undefined;
  /** Whether it is the repository that the configuration protects the cluster with. */
  readonly isPrimary: boolean;
}

/**
 * The repository of the options: the configured one, or the one that is named, by the name of its cluster, as
 * `second-site`, or by its directory. A configuration is not needed for a directory; what it says of objectives and of the
 * application counts where there is one.
 * @throws LarderError USAGE, CONFIG_INVALID
 */
export async function chooseDrill(
  parts: CliParts,
  { cluster: wanted, repository }: { readonly cluster?: string; readonly repository?: string },
): Promise<DrillChoice> {
  const config = await configOf(parts, repository === undefined);
  if (config === undefined) {
    const directory = assertDirectory(parts, repository ?? '', []);
    return {
      request: freshHostRequest(directory, freshProof(parts)),
      configured: undefined,
      isPrimary: false,
    };
  }
  const named = config.clusters.find(({ name }) => name === repository);
  const cluster = named ?? chooseCluster(config, wanted);
  const proof = proofSettings(cluster, config.stateDirectory, parts.version);
  const own = drillRequest(clusterParts(cluster), proof);
  const directory = namedDirectory(parts, config, { cluster, repository });
  const isPrimary = directory === undefined || directory === cluster.repositoryPath;
  return {
    request: isPrimary ? own : fromDirectory(own, directory),
    configured: { config, cluster },
    isPrimary,
  };
}

function freshProof({ environment, version }: CliParts): ProofSettings {
  const searchPath = environment['PATH'];
  return {
    scratch: scratchPlaces(undefined, undefined),
    userChecks: [],
    concurrency: CLUSTER_DEFAULTS.verify.sessions,
    binaries: searchPath === undefined ? {} : { searchPath },
    larderVersion: version,
  };
}

/** With a directory named, what is wrong with the configuration does not matter: the host it is for may be gone. */
async function configOf(parts: CliParts, needed: boolean): Promise<Config | undefined> {
  try {
    return await parts.loadConfig();
  } catch (error) {
    if (needed) throw error;
    return undefined;
  }
}

/** Undefined for the cluster's own. */
function namedDirectory(
  parts: CliParts,
  { clusters }: Config,
  { cluster, repository }: { readonly cluster: ClusterConfig; readonly repository: string | undefined },
): string | undefined {
  if (repository === undefined || repository === cluster.name) return undefined;
  if (repository !== SECOND_SITE) {
    return assertDirectory(parts, repository, [...clusters.map(({ name }) => name), SECOND_SITE]);
  }
  const { secondSite } = cluster.drill;
  if (secondSite !== undefined) return secondSite;
  throw new LarderError('CONFIG_INVALID', 'no second site is configured', {
    hint: 'Name its repository: drill.second-site, or LARDER_DRILL_SECOND_SITE; or give its directory to --repository.',
  });
}

function assertDirectory({ workingDirectory }: CliParts, text: string, names: readonly string[]): string {
  const directory = resolve(workingDirectory, text);
  if (text.includes('/') || existsSync(directory)) return directory;
  const known = names.length === 0 ? '' : ` The configuration knows ${names.join(', ')}.`;
  throw new LarderError('USAGE', `there is no repository ${JSON.stringify(text)}`, {
    hint: `Give the directory of the repository.${known}`,
  });
}
