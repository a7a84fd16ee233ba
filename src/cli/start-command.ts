import { existsSync, openSync, writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { clusterParts, readKnownCatalogue } from '../cluster-parts.ts';
import { DEFAULT_FILE } from '../config/config-file.ts';
import type { Config } from '../config/config.ts';
import { DEFAULTS } from '../config/schema.ts';
import { configureDemo } from '../demo/demo-settings.ts';
import { openDemoCluster, type DemoCluster } from '../demo/embedded-cluster.ts';
import { firstFreePort } from '../http/free-port.ts';
import { chooseInstanceUser } from '../postgres/server/instance-user.ts';
import { isBackup } from '../scheduler/task-order.ts';
import type { CliParts } from './cli-parts.ts';
import { formatDuration, shellWord } from '../format.ts';
import { commandPrefix, introduction, whatToTry } from './introduction.ts';
import { runScreen } from './run-screen.ts';
import { runService } from './run-service.ts';

/** Below the working directory; .gitignore knows it. */
const DEMO_DIRECTORY = 'larder-data';

/** `larder start`, which `npm start` runs. */
export function startCommand(parts: CliParts): Command {
  return new Command('start')
    .description(
      'run the service, and say in plain words what it does; without a server to protect, on one of its own',
    )
    .addHelpText('after', EXAMPLES)
    .action(() => (isConfigured(parts) ? startService(parts) : startDemo(parts)));
}

const EXAMPLES = `
Without DATABASE_URL and without a configuration file it starts a PostgreSQL of its own with invented data, and keeps
everything in ./${DEMO_DIRECTORY}.

Examples:
  $ larder start
  $ DATABASE_URL=postgresql://larder@db/truck BACKUP_DIR=/backups larder start`;

function isConfigured({ environment, workingDirectory }: CliParts): boolean {
  const named = ['DATABASE_URL', 'DATABASE_URL_FILE', 'LARDER_CONFIG'].some((name) => environment[name]);
  return named || existsSync(resolve(workingDirectory, DEFAULT_FILE));
}

/** Against the configured server. Where nobody watches, the log is what standard output is for. */
async function startService(parts: CliParts): Promise<void> {
  const config = await parts.loadConfig();
  const watched = parts.stdout.isTerminal || parts.stderr.isTerminal;
  if (watched) await mkdir(config.stateDirectory, { recursive: true, mode: 0o700 });
  await serve(parts, {
    config,
    logFile: watched ? join(config.stateDirectory, 'larder.log') : undefined,
    prefix: commandPrefix(parts.environment),
    restoreTo: './restored',
  });
}

async function startDemo(parts: CliParts): Promise<void> {
  const { stderr, workingDirectory } = parts;
  const directory = resolve(workingDirectory, DEMO_DIRECTORY);
  stderr.write('There is no DATABASE_URL: Larder shows what it does with a PostgreSQL of its own.\n');
  const cluster = await openCluster(parts, directory);
  try {
    const { file, config } = await configureDemo(
      { directory, cluster, http: await chooseAddress(parts.environment) },
      parts.environment,
    );
    const shown = (path: string): string => shellWord(relative(workingDirectory, path));
    await serve(parts, {
      config,
      logFile: join(directory, 'larder.log'),
      prefix: `LARDER_CONFIG=${shown(file)} ${commandPrefix(parts.environment)}`,
      restoreTo: shown(join(directory, 'restored')),
    });
  } finally {
    await cluster.stop();
  }
  stderr.write('Stopped. The next start goes on with the same data and the same backups.\n');
}

async function openCluster({ clock, signal, stderr }: CliParts, directory: string): Promise<DemoCluster> {
  const began = clock.monotonic();
  stderr.write(
    existsSync(join(directory, 'larder.yaml'))
      ? 'Starting it again …\n'
      : 'Making it, and filling it with the data of an invented food-truck company; this takes half a minute, once …\n',
  );
  const cluster = await openDemoCluster({ directory, clock, signal });
  const took = formatDuration((clock.monotonic() - began) / 1000);
  stderr.write(`PostgreSQL runs in ${cluster.directory} (${took}).\n\n`);
  return cluster;
}

/** The usual port, or the next free one where nobody chose: another Larder may run here. */
async function chooseAddress(environment: NodeJS.ProcessEnv): Promise<{ host: string; port: number }> {
  const { host } = DEFAULTS.http;
  if (environment['LARDER_HTTP_HOST'] || environment['LARDER_HTTP_PORT']) return DEFAULTS.http;
  return { host, port: await firstFreePort(host, DEFAULTS.http.port) };
}

interface Serving {
  readonly config: Config;
  /** Where the log goes, so that people read words on their screen; undefined for standard output. */
  readonly logFile: string | undefined;
  /** What stands before the name of a command. */
  readonly prefix: string;
  /** A directory to restore into, as an example. */
  readonly restoreTo: string;
}

/** Runs the service with words on the screen; what to try is told once there is a backup to try it on. */
async function serve(parts: CliParts, serving: Serving): Promise<void> {
  const { config, logFile } = serving;
  const { clock, version: larderVersion, stderr } = parts;
  const example = whatToTry(serving.prefix, serving.restoreTo, await exampleOwner());
  let told = await hasBackups(config);
  const screen = runScreen(parts, ({ task, result }) => {
    if (!isBackup(task) || result !== 'success') return;
    if (!told) stderr.write(`${example}\n`);
    told = true;
  });
  // half of all modules: the help does without
  const { assembleService } = await import('../assemble.ts');
  const service = await assembleService({
    config,
    clock,
    larderVersion,
    // where the log has the screen, it tells of runs itself
    ...(logFile === undefined ? {} : { log: fileLog(logFile), listener: screen }),
  });
  const introduce = (): void => {
    stderr.write(`${introduction(config, logFile, clock.now())}\n${told ? example : ''}\n`);
    if (stderr.isTerminal) stderr.write('Ctrl-C stops everything.\n\n');
  };
  await runService(parts, service, { name: 'introduction', start: introduce, stop: () => undefined });
}

/** Root must say who a restored cluster belongs to where no account `postgres` says it by itself. */
async function exampleOwner(): Promise<string | undefined> {
  const user = await chooseInstanceUser();
  return user === undefined || user.name === 'postgres' ? undefined : user.name;
}

/** Whether somebody can already try a restore; a repository that cannot be read is health's to tell of. */
async function hasBackups(config: Config): Promise<boolean> {
  const counts = config.clusters.map(async (cluster) => {
    const { backups } = await readKnownCatalogue(clusterParts(cluster), false);
    return backups.length;
  });
  const settled = await Promise.allSettled(counts);
  return settled.some((count) => count.status === 'rejected' || count.value > 0);
}

/** Written at once, so that the last words before an exit are kept. */
function fileLog(path: string): { readonly write: (line: string) => void } {
  const file = openSync(path, 'a', 0o600);
  return { write: (line) => void writeSync(file, line) };
}
