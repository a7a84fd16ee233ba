import { join, resolve } from 'node:path';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import { formatConnectionUrl } from '../postgres/connection-url.ts';
import { buildCluster, readConnection } from './build-cluster.ts';
import type { ClusterConfig, Config, ReportConfig } from './config.ts';
import { readConfigFile } from './config-file.ts';
import { givenVariables, unknownVariables } from './environment.ts';
import type { GivenVariable } from './environment.ts';
import { overlay } from './overlay.ts';
import type { Overlaid } from './overlay.ts';
import { configurationError, problemsOf, problemsOfIssue } from './problems.ts';
import type { Problem } from './problems.ts';
import { readSecretFile } from './read-file.ts';
import type { ReadFile } from './read-file.ts';
import { configSchema } from './schema.ts';
import type { ParsedConfig } from './schema.ts';
import { leaves, subtree } from './settings-tree.ts';
import type { Setting, Tree } from './settings-tree.ts';

/** Where the configuration comes from. */
export interface ConfigSource {
  readonly environment: NodeJS.ProcessEnv;
  /** Relative paths, those in the file too, begin here. */
  readonly workingDirectory: string;
  readonly readFile: ReadFile;
}

/**
 * The effective configuration: the environment, laid over the file, laid over the defaults. Throws CONFIG_INVALID with
 * every problem on a line of its own, or NOT_BUILT_YET when all of them ask for features to come.
 */
export async function loadConfig(source: ConfigSource): Promise<Config> {
  const { environment, workingDirectory, readFile } = source;
  const problems: Problem[] = unknownVariables(environment).map((text) => ({ text, notBuilt: false }));
  const file = await collect(problems, undefined, () =>
    readConfigFile(environment, workingDirectory, readFile),
  );
  // whatever else could be said without the file would be wrong
  if (file === FAILED) throw configurationError(problems);

  const variables = await collect(problems, 'DATABASE_URL_FILE', () =>
    readUrlFile(givenVariables(environment), source),
  );
  if (variables === FAILED) throw configurationError(problems);
  const overlaid = overlay(file, variables, environment);
  problems.push(...overlaid.problems);
  const parsed = check(overlaid, problems);
  const connections = await checkConnections(overlaid, source, problems);
  const clusters = parsed === undefined ? [] : build(parsed, connections, source);
  problems.push(...sharedRepositories(clusters));
  if (parsed === undefined || problems.length > 0) throw configurationError(problems);
  return {
    clusters,
    http: {
      ...parsed.http,
      tokens: Object.entries(parsed.http.tokens ?? {}).map(([name, token]) => ({ name, ...token })),
    },
    stateDirectory: resolve(workingDirectory, parsed.state),
    report: buildReport(parsed, workingDirectory),
    parallelBackups: parsed['parallel-backups'],
    logLevel: parsed.log.level,
    settings: describe(overlaid, connections),
  };
}

const FAILED = Symbol('failed');

/** What `read` gives; a LarderError it throws is noted among the problems. */
async function collect<T>(
  problems: Problem[],
  label: string | undefined,
  read: () => T | Promise<T>,
): Promise<T | typeof FAILED> {
  try {
    return await read();
  } catch (error) {
    problems.push(...problemsOf(error, label));
    return FAILED;
  }
}

/** DATABASE_URL_FILE is read once; a password file is read at each login. */
async function readUrlFile(
  variables: readonly GivenVariable[],
  source: ConfigSource,
): Promise<readonly GivenVariable[]> {
  const read = variables.map(async (variable) => {
    if (variable.name !== 'DATABASE_URL_FILE') return variable;
    const path = resolve(source.workingDirectory, variable.value);
    return { ...variable, value: (await readSecretFile(path, source.readFile)).reveal() };
  });
  return Promise.all(read);
}

function check(overlaid: Overlaid, problems: Problem[]): ParsedConfig | undefined {
  const result = configSchema.safeParse(overlaid.tree);
  if (result.success) return result.data;
  problems.push(...result.error.issues.flatMap((issue) => problemsOfIssue(issue, overlaid.label)));
  return undefined;
}

type Connections = ReadonlyMap<string, ConnectionSettings>;

/** Reads connections and password files of all clusters, also of a configuration that has other problems. */
async function checkConnections(
  overlaid: Overlaid,
  source: ConfigSource,
  problems: Problem[],
): Promise<Connections> {
  const connections = new Map<string, ConnectionSettings>();
  const clusters = subtree(overlaid.tree, 'clusters');
  for (const name of Object.keys(clusters)) {
    const cluster = subtree(clusters, name);
    const label = (key: string) => overlaid.label(['clusters', name, key]);
    const connection = await collect(problems, label('connection'), () =>
      readConnection(cluster, source.environment),
    );
    if (connection !== FAILED && connection !== undefined) connections.set(name, connection);
    await collect(problems, label('password-file'), () => checkPasswordFile(cluster, source));
  }
  return connections;
}

async function checkPasswordFile(cluster: Tree, source: ConfigSource): Promise<void> {
  const file = cluster['password-file'];
  if (typeof file !== 'string' || file === '') return;
  await readSecretFile(resolve(source.workingDirectory, file), source.readFile);
}

function build(
  parsed: ParsedConfig,
  connections: Connections,
  source: ConfigSource,
): readonly ClusterConfig[] {
  return Object.entries(parsed.clusters).flatMap(([name, cluster]) => {
    const connection = connections.get(name);
    return connection === undefined ? [] : [buildCluster(name, cluster, connection, source)];
  });
}

function buildReport({ report, state }: ParsedConfig, workingDirectory: string): ReportConfig {
  const { results, directory, 'price-per-gb-month': pricePerGbMonth } = report;
  return {
    results: results === undefined ? undefined : resolve(workingDirectory, results),
    directory: resolve(workingDirectory, directory ?? join(state, 'reports')),
    pricePerGbMonth,
  };
}

/** Each cluster has its own repository, since each has its own lease and lineage. */
function sharedRepositories(clusters: readonly ClusterConfig[]): readonly Problem[] {
  return clusters.flatMap(({ name, repositoryPath }, index) => {
    const other = clusters.slice(0, index).find((earlier) => earlier.repositoryPath === repositoryPath);
    if (other === undefined) return [];
    const text = `clusters.${name}.repository.path: ${repositoryPath} is the repository of ${other.name} already; give each cluster its own`;
    return [{ text, notBuilt: false }];
  });
}

/** Every value with its origin; a connection without its password, a password as `***`. */
function describe(overlaid: Overlaid, connections: Connections): readonly Setting[] {
  return leaves(overlaid.tree).map(({ path, value }) => {
    const setting = { path, value, origin: overlaid.origin(path) };
    const [top, name = '', key] = path;
    if (top !== 'clusters' || path.length !== 3) return setting;
    if (key === 'password') return { ...setting, value: '***' };
    const connection = connections.get(name);
    if (key !== 'connection' || connection === undefined) return setting;
    return { ...setting, value: formatConnectionUrl(connection) };
  });
}
