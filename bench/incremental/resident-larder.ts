import { clusterJobs } from '../../src/cluster-jobs.ts';
import { runLimits } from '../../src/cluster-limits.ts';
import { clusterParts } from '../../src/cluster-parts.ts';
import { systemClock as clock } from '../../src/clock.ts';
import { loadConfig } from '../../src/config/load.ts';
import { readFileWithMode } from '../../src/config/read-file.ts';
import type { Task } from '../../src/jobs/job.ts';
import { RunHistory } from '../../src/scheduler/history.ts';
import { Permits } from '../../src/scheduler/permits.ts';
import { RunEvents } from '../../src/scheduler/run-events.ts';
import { JobRunner } from '../../src/scheduler/runner.ts';

/** What it answers to each task. */
export interface ResidentAnswer {
  /** From the request to the end of the run on record. */
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  /** What went wrong; undefined for a success. */
  readonly failure: string | undefined;
}

/** A process that runs the tasks it is sent as the service does: with its jobs, through its runner, on its record. */
const config = await loadConfig({
  environment: process.env,
  workingDirectory: process.cwd(),
  readFile: readFileWithMode,
});
const { stateDirectory } = config;
const [cluster] = config.clusters;
if (cluster === undefined) throw new Error('no cluster is configured');
const history = await RunHistory.open(stateDirectory, clock);
const jobOf = clusterJobs({
  parts: clusterParts(cluster),
  history,
  clock,
  stateDirectory,
  report: config.report,
  larderVersion: 'bench',
  onNotice: () => undefined,
  onRemoved: () => undefined,
});
const runner = new JobRunner({
  cluster: cluster.name,
  history,
  events: new RunEvents((error) => process.stderr.write(`${String(error)}\n`)),
  clock,
  limits: runLimits(cluster, clock.now()),
  permits: new Permits(1),
  random: Math.random,
});
process.on('message', (task: Task) => void answer(task));
process.on('disconnect', () => process.exit());

async function answer(task: Task): Promise<void> {
  const [began, cpuBefore] = [performance.now(), process.cpuUsage()];
  const { result, errorMessage } = await runner.run(jobOf(task), { reason: 'request' });
  const wallSeconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const failure = result === 'success' ? undefined : `${String(result)}: ${String(errorMessage)}`;
  const answered: ResidentAnswer = { wallSeconds, cpuSeconds: (user + system) / 1e6, failure };
  process.send?.(answered);
}
