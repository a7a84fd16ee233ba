import { LarderError } from '../../../src/errors.ts';
import { perTask, type Job, type JobContext, type JobOutcome, type Task } from '../../../src/jobs/job.ts';
import { Permits } from '../../../src/scheduler/permits.ts';
import { RunEvents } from '../../../src/scheduler/run-events.ts';
import { JobRunner } from '../../../src/scheduler/runner.ts';
import { Schedule } from '../../../src/scheduler/schedule.ts';
import { Scheduler } from '../../../src/scheduler/scheduler.ts';
import { laneOf } from '../../../src/scheduler/task-order.ts';
import { FakeClock } from '../fake-clock.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { MemoryHistory } from './memory-history.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Minutes that the work of a task takes, at least and at most. */
const MINUTES: Readonly<Record<Task, readonly [number, number]>> = {
  ...perTask(() => [1, 2] as const),
  backup_full: [20, 90],
  backup_incremental: [3, 40],
  verify: [5, 30],
};

interface WorkContext extends JobContext {
  readonly backupId: string | undefined;
  /** Nothing fails. */
  readonly quiet: boolean;
  readonly isAlive: () => boolean;
}

export interface SimulationOptions {
  readonly random: SeededRandom;
  readonly begin: number;
  readonly days: number;
  readonly zone: string;
}

/**
 * The life of a service on a clock that the test holds: jobs that take their time, fail or stand still; processes that are
 * stopped and killed; clocks that jump.
 */
export class Simulation {
  readonly history = new MemoryHistory();
  /** The wall clock at every tick that decided. */
  readonly ticks: number[] = [];
  readonly problems: string[] = [];
  restarts = 0;
  #offset = 0;
  readonly #options: SimulationOptions;
  readonly #clock: FakeClock;
  readonly #inLane = new Map<string, number>();
  readonly #backups: { readonly type: Task; readonly started: number }[] = [];

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#clock = new FakeClock(options.begin);
  }

  async run(): Promise<void> {
    const { random, days } = this.#options;
    while (this.#clock.monotonic() < days * DAY) {
      const life = this.#startLife();
      await this.#advance(random.between(1, random.once(3) ? 60 : 4 * 24 * 60) * MINUTE);
      await life.end(random.chance(50));
      this.restarts += 1;
      await this.#clock.advance(random.once(4) ? random.below(30 * 60) * MINUTE : random.below(5) * MINUTE);
    }
    // nothing is left behind that a quiet day does not mend
    const last = this.#startLife({ quiet: true });
    await this.#advance(2 * DAY, { quiet: true });
    await last.end(true);
  }

  async #advance(milliseconds: number, { quiet = false } = {}): Promise<void> {
    const { random } = this.#options;
    const end = this.#clock.monotonic() + milliseconds;
    while (this.#clock.monotonic() < end) {
      await this.#clock.advance(Math.min(HOUR, end - this.#clock.monotonic()));
      if (quiet || !random.once(40)) continue;
      // never a day apart, where a clock counts as wrong and its records as nothing
      const offset = random.between(-90, 90) * (random.once(4) ? 7 : 1) * MINUTE;
      this.#clock.jump(offset - this.#offset);
      this.#offset = offset;
    }
  }

  #startLife({ quiet = false } = {}): { end(inGoodOrder: boolean): Promise<void> } {
    const { random, zone } = this.#options;
    const events = new RunEvents((error) => this.problems.push(String(error)));
    let alive = true;
    const jobOf = (task: Task, backupId?: string): Job => ({
      task,
      run: (context) => this.#work(task, { ...context, backupId, quiet, isAlive: () => alive }),
    });
    const history = {
      runs: () => this.history.runs(),
      // what is killed writes nothing any more, and learns nothing
      append: (...given: Parameters<MemoryHistory['append']>) =>
        alive ? this.history.append(...given) : new Promise<never>(() => undefined),
    };
    const runner = new JobRunner({
      cluster: 'truck',
      history,
      events,
      clock: this.#clock,
      limits: perTask((task) => ({
        timeoutSeconds: 86_400,
        stallSeconds: laneOf(task) !== 'log' ? 900 : undefined,
        retrySeconds: task === 'transaction_log' ? 10_800 : 43_200,
      })),
      permits: new Permits(1),
      random: () => random.fraction(),
    });
    const task = (name: Task, pattern: string, catchUpWindow: number, inZone = zone) => ({
      task: name,
      schedule: new Schedule(pattern, inZone),
      newest: () => Promise.resolve(this.#newest(name)),
      catchUp: 'latest' as const,
      catchUpWindow,
    });
    const scheduler = new Scheduler({
      cluster: 'truck',
      tasks: [
        task('backup_full', '30 2 * * 0', DAY),
        task('backup_incremental', '30 2 * * *', 6 * HOUR),
        task('transaction_log', '0 */6 * * *', Number.POSITIVE_INFINITY, 'UTC'),
      ],
      jobOf,
      verifyAfterBackup: true,
      blackouts: [],
      pausedTasks: () => Promise.resolve(new Set()),
      rpo: DAY,
      isLeader: () => true,
      runner,
      history,
      clock: this.#clock,
      ticked: ({ at }) => this.ticks.push(at),
      tickFailed: (error) => this.problems.push(String(error)),
    });
    events.listen({ ended: () => scheduler.wake() });
    scheduler.start();
    return {
      end: async (inGoodOrder) => {
        scheduler.stop();
        if (inGoodOrder) await runner.shutdown();
        alive = false;
        this.history.died();
        this.#inLane.clear();
      },
    };
  }

  #newest(task: Task): number | undefined {
    const ofTask = this.#backups.filter(({ type }) => task !== 'backup_full' || type === task);
    const starts = ofTask.map(({ started }) => Math.floor(started / 1000) * 1000);
    return task === 'transaction_log' || starts.length === 0 ? undefined : Math.max(...starts);
  }

  async #work(task: Task, context: WorkContext): Promise<JobOutcome> {
    // killed between the decision and the first step
    if (!context.isAlive()) return new Promise<never>(() => undefined);
    const lane = laneOf(task);
    const started = this.#clock.now();
    const inLane = (this.#inLane.get(lane) ?? 0) + 1;
    if (inLane > 1) this.problems.push(`${inLane} jobs in the lane ${lane}`);
    this.#inLane.set(lane, inLane);
    try {
      await this.#takeTime(task, context);
      return await this.#result(task, context, started);
    } finally {
      if (context.isAlive()) this.#inLane.set(lane, (this.#inLane.get(lane) ?? 1) - 1);
    }
  }

  /** Moves a byte a minute, or none; then it may fail. */
  async #takeTime(task: Task, { signal, progress, quiet }: WorkContext): Promise<void> {
    const { random } = this.#options;
    const minutes = random.between(...MINUTES[task]);
    const standsStill = !quiet && laneOf(task) !== 'log' && random.once(50);
    for (let minute = 0; minute < minutes; minute++) {
      await this.#clock.sleep(MINUTE, signal);
      if (!standsStill) progress({ phase: 'copying', doneBytes: minute });
    }
    if (standsStill) await this.#clock.sleep(DAY, signal);
    if (quiet) return;
    if (random.chance(15)) throw new LarderError('CONNECTION_LOST', 'the wind blew');
    if (random.chance(3)) throw new LarderError('SERVER_NOT_PRIVILEGED', 'no');
  }

  async #result(task: Task, context: WorkContext, started: number): Promise<JobOutcome> {
    // a dead process stores nothing
    if (!context.isAlive()) return new Promise<never>(() => undefined);
    if (task === 'verify') return { warnings: [], backupId: context.backupId ?? 'latest' };
    if (laneOf(task) === 'log') return { warnings: [] };
    this.#backups.push({ type: task, started });
    return { warnings: [], backupId: context.runId };
  }
}
