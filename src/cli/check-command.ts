import { Command } from 'commander';
import { clusterParts, knowsBackup } from '../cluster-parts.ts';
import type { ClusterConfig, Config } from '../config/config.ts';
import { findServerBinaries } from '../postgres/server/find-binaries.ts';
import { majorOf } from '../postgres/version.ts';
import { RunHistory } from '../scheduler/history.ts';
import { checkRepository } from './check-repository.ts';
import { checkError, checkText, lookAt, type CheckRow } from './check-row.ts';
import { checkServer } from './check-server.ts';
import { chooseCluster } from './choose-cluster.ts';
import { isColoured, writeJson, type CliParts } from './cli-parts.ts';

interface CheckOptions {
  readonly cluster?: string;
  readonly json?: true;
}

/** `larder check`. */
export function checkCommand(parts: CliParts): Command {
  return new Command('check')
    .description(
      'look at server, repository and this host, and say how to mend what keeps backups from working',
    )
    .option('--cluster <name>', 'which cluster, when the configuration describes several')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXAMPLES)
    .action((options: CheckOptions) => check(parts, options));
}

const EXAMPLES = `
Examples:
  $ larder check
  $ larder check --json | jq '.[] | select(.state == "error")'`;

async function check(parts: CliParts, options: CheckOptions): Promise<void> {
  const config = await parts.loadConfig();
  const rows = await collectRows(parts, config, chooseCluster(config, options.cluster));
  if (options.json === true) writeJson(parts.stdout, rows);
  else parts.stdout.write(checkText(rows, isColoured(parts.stdout, parts.environment)));
  const error = checkError(rows);
  if (error !== undefined) throw error;
}

async function collectRows(
  parts: CliParts,
  config: Config,
  cluster: ClusterConfig,
): Promise<readonly CheckRow[]> {
  const server = await checkServer(cluster.connection, parts);
  let expected = false;
  const state = await lookAt('state directory', async () => {
    const history = await RunHistory.open(config.stateDirectory, parts.clock);
    expected = await knowsBackup(history, cluster.name);
    return { state: 'ok', found: `${config.stateDirectory} can be written` };
  });
  const repository = await checkRepository(clusterParts(cluster), {
    cluster: cluster.name,
    expected,
    lineage: server.lineage,
    clusterSize: server.facts?.size,
    role: cluster.connection.user,
  });
  const major = server.facts === undefined ? server.lineage?.major : majorOf(server.facts.versionNumber);
  const programs = await programRows(major, parts.environment['PATH']);
  return [...server.rows, ...repository, state, ...programs];
}

/** Backups do without; a restore wants to be started. */
async function programRows(
  major: number | undefined,
  searchPath: string | undefined,
): Promise<readonly CheckRow[]> {
  if (major === undefined) return [];
  const row = await lookAt('server programs', async () => {
    const found = await findServerBinaries(major, searchPath === undefined ? {} : { searchPath });
    if (found !== undefined)
      return { state: 'ok', found: `PostgreSQL ${found.version} in ${found.directory}` };
    return {
      state: 'warning',
      found: `no PostgreSQL ${major} on this host: backups work, but nothing restored can be started here`,
      mend: `apt install postgresql-${major}, or put its programs in PATH`,
    };
  });
  return [row];
}
