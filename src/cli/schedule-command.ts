import { Command } from 'commander';
import { schedulesOf } from '../cluster-limits.ts';
import type { ClusterConfig } from '../config/config.ts';
import { RunHistory } from '../scheduler/history.ts';
import { localTimeText } from '../scheduler/local-time.ts';
import { Pauses } from '../scheduler/pauses.ts';
import { blackoutUntil, viewSchedules, type TaskSchedule } from '../scheduler/schedule-view.ts';
import { viewSchedule } from '../schedule-views.ts';
import { chooseCluster } from './choose-cluster.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { formatTime } from '../format.ts';
import { formatTable } from './table.ts';

interface ScheduleOptions {
  readonly cluster?: string;
  readonly json?: true;
}

/** `larder schedule`. */
export function scheduleCommand(parts: CliParts): Command {
  return new Command('schedule')
    .description('show what runs next, what was missed, and what is paused')
    .option('--cluster <name>', 'of one cluster')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXAMPLES)
    .action((options: ScheduleOptions) => schedule(parts, options));
}

const EXAMPLES = `
Times are in the zone of each schedule, and in UTC. It is read from the configuration and the state directory, and needs
no running service.

Examples:
  $ larder schedule
  $ larder schedule --json | jq '.schedules[].tasks[] | {task, next}'`;

interface Shown {
  readonly config: ClusterConfig;
  readonly blackout: number | undefined;
  readonly tasks: readonly TaskSchedule[];
}

async function schedule(parts: CliParts, { cluster, json }: ScheduleOptions): Promise<void> {
  const shown = await readSchedules(parts, cluster);
  if (json === true) {
    const schedules = shown.map(({ config, blackout, tasks }) => viewSchedule(config.name, blackout, tasks));
    writeJson(parts.stdout, { schedules });
  } else parts.stdout.write(shown.map(scheduleText).join('\n'));
}

async function readSchedules({ loadConfig, clock }: CliParts, cluster: string | undefined): Promise<Shown[]> {
  const config = await loadConfig();
  const clusters = cluster === undefined ? config.clusters : [chooseCluster(config, cluster)];
  const now = clock.now();
  const runs = await (await RunHistory.open(config.stateDirectory, clock)).runs();
  const pauses = await new Pauses(config.stateDirectory).read(now);
  return clusters.map((each) => {
    const { blackouts } = each.schedules;
    const own = <T extends { readonly cluster: string }>(all: readonly T[]): T[] =>
      all.filter((one) => one.cluster === each.name);
    const facts = { now, schedules: schedulesOf(each), blackouts, pauses: own(pauses), runs: own(runs) };
    return { config: each, blackout: blackoutUntil(blackouts, now), tasks: viewSchedules(facts) };
  });
}

function scheduleText({ config, blackout, tasks }: Shown): string {
  const { name, schedules, transactionLog } = config;
  const lines = [
    `${name}\n`,
    tasks.length === 0 ? 'Nothing runs by itself.\n' : formatTable(COLUMNS, tasks.map(row)),
  ];
  if (schedules.verifyAfterBackup) lines.push('Each backup is verified after it.\n');
  if (transactionLog.receive) lines.push('The log is received all the time.\n');
  if (blackout !== undefined) {
    lines.push(
      `A blackout is on until ${formatTime(new Date(blackout).toISOString())}: nothing heavy is started.\n`,
    );
  }
  return lines.join('');
}

const COLUMNS = ['TASK', 'NEXT', 'ZONE', 'IN UTC', 'PATTERN', 'LAST RUN', 'REMARKS'].map((title) => ({
  title,
}));

function row(shown: TaskSchedule): string[] {
  const {
    task,
    schedule: { pattern, zone },
    next,
    lastRun,
  } = shown;
  const last =
    lastRun === undefined
      ? '-'
      : `${formatTime(new Date(lastRun.started).toISOString())}: ${lastRun.result ?? 'goes on'}`;
  return [
    task,
    localTimeText(next, zone),
    zone,
    formatTime(new Date(next).toISOString()),
    pattern,
    last,
    remarks(shown),
  ];
}

function remarks({ missed, pause }: TaskSchedule): string {
  const missing = missed === undefined ? [] : [`missed ${formatTime(new Date(missed).toISOString())}`];
  const paused =
    pause === undefined
      ? []
      : [`paused until ${formatTime(new Date(pause.until).toISOString())} by ${pause.by}: ${pause.reason}`];
  return [...missing, ...paused].join('; ');
}
