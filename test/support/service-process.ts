import { systemClock } from '../../src/clock.ts';
import type { Part } from '../../src/daemon.ts';
import { runDaemon } from '../../src/daemon.ts';
import { HttpServer } from '../../src/http/server.ts';
import { perTask, type Job } from '../../src/jobs/job.ts';
import { ClusterWatch } from '../../src/observability/cluster-watch.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { Metrics } from '../../src/observability/metrics.ts';
import { NOTHING_STORED } from '../../src/observability/repository-survey.ts';
import { runLog } from '../../src/observability/run-log.ts';
import { ServiceState } from '../../src/observability/service-state.ts';
import { RunHistory } from '../../src/scheduler/history.ts';
import { Permits } from '../../src/scheduler/permits.ts';
import { RunEvents } from '../../src/scheduler/run-events.ts';
import { JobRunner } from '../../src/scheduler/runner.ts';
import { Schedule } from '../../src/scheduler/schedule.ts';
import { Scheduler } from '../../src/scheduler/scheduler.ts';
import { metricsOptions, SERVER_SEEN } from './monitoring/backup-facts.ts';

/**
 * A whole service around a job that only waits: `node service-process.ts <state directory>`. It listens on a free
 * port, logged as `port`; the job ends with its signal, or ignores it if a second argument is given.
 */
const [state = '', ignoreSignal] = process.argv.slice(2);
const clock = systemClock;
const cluster = 'truck';
const objectives = { maxAgeSeconds: 700_000, timeoutSeconds: 3600 };
const rpoSeconds = 86_400;

const logger = createLogger('info');
const history = await RunHistory.open(state, clock);
const metrics = new Metrics({ version: 'test', revision: '', nodeVersion: process.version }, [
  metricsOptions({ cluster, jobs: [{ task: 'backup_full', ...objectives }] }),
]);
const health = new ServiceState(clock, [{ cluster, ...objectives, rpoSeconds, receives: false }]);
const events = new RunEvents((error) => logger.error({ err: error }, 'a listener failed'));
for (const listener of [metrics.runListener(), health.runListener(), runLog(logger)]) events.listen(listener);
const past = await history.runs();
metrics.restore(past);
health.restore(past);

const job: Job = {
  task: 'backup_full',
  run: ({ signal }) =>
    new Promise((_resolve, reject) => {
      if (ignoreSignal === undefined) signal.addEventListener('abort', () => reject(new Error('aborted')));
    }),
};
const runner = new JobRunner({
  cluster,
  history,
  events,
  clock,
  limits: perTask(() => ({ timeoutSeconds: 3600, stallSeconds: undefined, retrySeconds: 0 })),
  permits: new Permits(1),
  random: Math.random,
});
const scheduler = new Scheduler({
  cluster,
  tasks: [
    {
      task: 'backup_full',
      schedule: new Schedule('0 2 * * 0'),
      newest: () => Promise.resolve(undefined),
      catchUp: 'latest',
      catchUpWindow: 86_400_000,
    },
  ],
  jobOf: () => job,
  verifyAfterBackup: false,
  blackouts: [],
  pausedTasks: () => Promise.resolve(new Set()),
  rpo: rpoSeconds * 1000,
  isLeader: () => true,
  runner,
  history,
  clock,
  ticked: (tick) => {
    metrics.ticked(tick);
    health.ticked(tick);
  },
  tickFailed: (error) => logger.error({ err: error }, 'the scheduler could not decide'),
});
const watch = new ClusterWatch({
  cluster,
  repo: 'main',
  probes: {
    server: () => Promise.resolve(SERVER_SEEN),
    repository: () => Promise.resolve(),
    survey: () => Promise.resolve(NOTHING_STORED),
    space: () => Promise.resolve(undefined),
  },
  clock,
  metrics,
  state: health,
  probeFailed: (error) => logger.warn({ err: error }, 'a probe failed'),
});
const http = new HttpServer({
  host: '127.0.0.1',
  port: 0,
  health: () => health.health(),
  metrics,
  requestFailed: (error) => logger.error({ err: error }, 'a request failed'),
});

const parts: Part[] = [
  {
    name: 'http',
    start: async () => {
      await http.start();
      logger.info({ port: http.port }, 'listening');
    },
    stop: () => http.stop(),
  },
  { name: 'watch', start: () => watch.start(), stop: () => watch.stop() },
  { name: 'runner', start: () => undefined, stop: () => runner.shutdown() },
  { name: 'scheduler', start: () => scheduler.start(), stop: () => scheduler.stop() },
];
process.exit(
  await runDaemon({
    parts,
    signals: process,
    clock,
    stopping: () => health.stopping(),
    stopFailed: (part, error) => logger.error({ part, err: error }, 'a part did not stop'),
  }),
);
