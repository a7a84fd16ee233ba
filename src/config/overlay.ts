import { parseConnection } from '../postgres/parse-connection.ts';
import type { ConfigFile } from './config-file.ts';
import type { GivenVariable, KeyPath } from './environment.ts';
import type { Problem } from './problems.ts';
import { CLUSTER_DEFAULTS, DEFAULTS } from './schema.ts';
import { isTree, subtree, valueAt, withDefaults, withoutKeys, withValue } from './settings-tree.ts';
import type { Tree } from './settings-tree.ts';

/** What file and environment say together, with every default, before it is checked. */
export interface Overlaid {
  readonly tree: Tree;
  /** The file or the variable a value stands in; `default` when nobody wrote it. */
  readonly origin: (path: KeyPath) => string;
  /** A place as the user knows it: the variable that set it, or its keys. */
  readonly label: (path: KeyPath) => string;
  readonly problems: readonly Problem[];
}

/** Lays the environment over the file: each variable speaks of the service, or of the one cluster there is. */
export function overlay(
  file: ConfigFile | undefined,
  variables: readonly GivenVariable[],
  environment: NodeJS.ProcessEnv,
): Overlaid {
  const clusters = Object.keys(subtree(file?.tree ?? {}, 'clusters'));
  const cluster = clusters.length > 0 ? onlyOne(clusters) : clusterOfEnvironment(variables, environment);
  const placed = variables
    .filter((variable) => !variable.ofCluster || cluster !== undefined)
    .map((variable) => ({ ...variable, path: placeOf(variable, cluster ?? '') }));
  let tree = file?.tree ?? {};
  if (placed.some((variable) => variable.name.startsWith('DATABASE_PASSWORD'))) {
    tree = withoutPassword(tree, cluster ?? '');
  }
  for (const { path, value } of placed) tree = withValue(tree, path, value);
  const names = new Map(placed.map((variable) => [variable.path.join('\0'), variable.name]));
  const fileOrDefault = (path: KeyPath) =>
    file !== undefined && valueAt(file.tree, path) !== undefined ? file.name : 'default';
  return {
    tree: fillDefaults(tree),
    origin: (path) => names.get(path.join('\0')) ?? fileOrDefault(path),
    label: (path) => names.get(path.join('\0')) ?? path.join('.'),
    problems: cluster === undefined ? withoutCluster(clusters, variables) : [],
  };
}

function onlyOne(clusters: readonly string[]): string | undefined {
  return clusters.length === 1 ? clusters[0] : undefined;
}

/** Without clusters in the file the environment describes one, named after its database. */
function clusterOfEnvironment(
  variables: readonly GivenVariable[],
  environment: NodeJS.ProcessEnv,
): string | undefined {
  const url = variables.find((variable) => variable.path[0] === 'connection');
  if (url === undefined) return undefined;
  try {
    return parseConnection(url.value, environment).database;
  } catch {
    // told when the connection is checked; the name only lets the other variables be checked too
    return 'database';
  }
}

function withoutCluster(
  clusters: readonly string[],
  variables: readonly GivenVariable[],
): readonly Problem[] {
  if (clusters.length === 0) {
    return [
      { text: 'no cluster is described: set DATABASE_URL, or write config/larder.yaml', notBuilt: false },
    ];
  }
  return variables
    .filter((variable) => variable.ofCluster)
    .map(({ name, path }) => ({
      text: `${name}: the file describes ${clusters.length} clusters, and a variable cannot say which one it means; write ${path.join('.')} into the file`,
      notBuilt: false,
    }));
}

function placeOf(variable: GivenVariable, cluster: string): KeyPath {
  return variable.ofCluster ? ['clusters', cluster, ...variable.path] : variable.path;
}

/** Of the two ways to give a password, the environment's replaces whichever the file uses. */
function withoutPassword(tree: Tree, cluster: string): Tree {
  const inFile = subtree(subtree(tree, 'clusters'), cluster);
  return withValue(tree, ['clusters', cluster], withoutKeys(inFile, ['password', 'password-file']));
}

function fillDefaults(tree: Tree): Tree {
  const service = withDefaults(withoutKeys(tree, ['clusters']), DEFAULTS) as Tree;
  const { clusters } = tree as { clusters?: unknown };
  if (!isTree(clusters)) return { clusters: clusters ?? {}, ...service };
  const filled = Object.entries(clusters).map(
    ([name, each]) => [name, withDefaults(each, CLUSTER_DEFAULTS)] as const,
  );
  return { clusters: Object.fromEntries(filled), ...service };
}
