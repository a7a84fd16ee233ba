import type { ClusterConfig, Config } from '../config/config.ts';
import { addressText } from '../postgres/connection-settings.ts';
import type { Schedule } from '../scheduler/schedule.ts';
import { formatTime } from '../format.ts';
import { formatPairs } from './table.ts';

type Pair = readonly [name: string, value: string];

/** What a service that was just started does and where its things lie; `log` is undefined where it goes to the screen. */
export function introduction(config: Config, log: string | undefined, now: number): string {
  const { http } = config;
  const address = `http://${addressText(http)}`;
  const pairs: Pair[] = [
    ...config.clusters.flatMap((cluster) => clusterPairs(cluster, now)),
    ['health', `${address}/health`],
    ['metrics', `${address}/metrics`],
    ['run history', config.stateDirectory],
  ];
  if (log !== undefined) pairs.push(['log', log]);
  return formatPairs(pairs).replace(/^/gm, '  ').trimEnd();
}

function clusterPairs(cluster: ClusterConfig, now: number): Pair[] {
  const { name, connection, repositoryPath, schedules, transactionLog } = cluster;
  return [
    ['protects', `${name}: ${connection.hosts.map(addressText).join(', ')} as ${connection.user}`],
    ['backups in', repositoryPath],
    ['full backups', scheduleText(schedules.full, now)],
    ['what changed', scheduleText(schedules.incremental, now)],
    ['every change', transactionLog.receive ? 'received as it is written' : 'not received'],
  ];
}

function scheduleText(schedule: Schedule | undefined, now: number): string {
  if (schedule === undefined) return 'not by themselves';
  const next = new Date(schedule.nextRun(now)).toISOString();
  return `"${schedule.pattern}" in ${schedule.zone}, next ${formatTime(next)}`;
}

/** How commands are to be typed here: `npm run` finds them in a checkout, where `larder` is not in PATH. */
export function commandPrefix(environment: NodeJS.ProcessEnv): string {
  return environment['npm_lifecycle_event'] === undefined ? 'larder' : 'npm run -s larder --';
}

/** Commands to try, each with what it does. `prefix` is what stands before the command's name. */
export function whatToTry(prefix: string, restoreTo: string, owner: string | undefined): string {
  const as = owner === undefined ? '' : ` --owner ${owner}`;
  const commands: Pair[] = [
    [`${prefix} list`, 'what there is'],
    [`${prefix} backup`, 'one more, now'],
    [`${prefix} verify latest`, 'reads every byte of the newest'],
    [`${prefix} restore latest --to-dir ${restoreTo}${as}`, 'brings it back, beside the original'],
  ];
  const lines = commands.map(([command, what]) => `  ${command}\n      ${what}`);
  return `\nTry next, in another terminal:\n\n${lines.join('\n')}\n`;
}
