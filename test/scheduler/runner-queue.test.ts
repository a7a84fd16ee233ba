import { beforeEach, describe, expect, test } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LarderError } from '../../src/errors.ts';
import { perTask, type Job, type JobContext, type JobOutcome, type Task } from '../../src/jobs/job.ts';
import { Permits } from '../../src/scheduler/permits.ts';
import { RunEvents } from '../../src/scheduler/run-events.ts';
import { JobRunner } from '../../src/scheduler/runner.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryHistory } from '../support/schedule/memory-history.ts';

const MINUTE = 60_000;
const lost = new LarderError('CONNECTION_LOST', 'lost');
let clock: FakeClock;
let history: MemoryHistory;
let permits: Permits;
let seen: string[];
let runner: JobRunner;

beforeEach(() => {
  clock = new FakeClock();
  history = new MemoryHistory();
  permits = new Permits(1);
  seen = [];
  runner = makeRunner('truck');
});

function makeRunner(cluster: string): JobRunner {
  const events = new RunEvents(() => undefined);
  events.listen({
    started: ({ task }) => seen.push(`${task} started`),
    retrying: ({ attempt, error, delay }) => seen.push(`${attempt} ${error.code} ${delay / MINUTE}`),
    ended: ({ task, result }) => seen.push(`${task} ${result ?? ''}`),
  });
  const limits = { timeoutSeconds: 7200, stallSeconds: 900, retrySeconds: 3600 };
  return new JobRunner({
    cluster,
    history,
    events,
    clock,
    limits: perTask(() => limits),
    permits,
    random: () => 0.5,
  });
}
/** A job that goes on until it is finished by hand or its signal aborts. */
function held(task: Task) {
  const { promise, resolve, reject } = Promise.withResolvers<JobOutcome>();
  let context: JobContext | undefined;
  const job: Job = {
    task,
    run: (given) => {
      context = given;
      given.signal.addEventListener('abort', () => reject(new Error('socket closed')));
      return promise;
    },
  };
  return {
    job,
    finish: () => resolve({ warnings: [] }),
    isRunning: () => context !== undefined,
    context: () => context!,
  };
}
const request = { reason: 'request' } as const;
/** Fails as told, attempt by attempt, and then succeeds. */
function failing(...errors: LarderError[]): Job {
  return {
    task: 'backup_full',
    run: () => {
      const error = errors.shift();
      return error === undefined ? Promise.resolve({ warnings: [] }) : Promise.reject(error);
    },
  };
}

describe('the heavy jobs of a cluster', () => {
  test('run one at a time, in the order of their kinds; a seal waits for none of them', async () => {
    const [first, retention, full, seal] = [
      held('backup_incremental'),
      held('retention'),
      held('backup_full'),
      held('transaction_log'),
    ];
    const runs = [first, retention, full, seal].map(({ job }) => runner.run(job, request));
    await nextTurn();
    expect([first, retention, full, seal].map((each) => each.isRunning())).toEqual([
      true,
      false,
      false,
      true,
    ]);
    first.finish();
    await runs[0];
    await nextTurn();
    expect([retention.isRunning(), full.isRunning()]).toEqual([false, true]);
    full.finish();
    await runs[2];
    await nextTurn();
    expect(retention.isRunning()).toBe(true);
    retention.finish();
    seal.finish();
    await Promise.all(runs);
  });

  test('let a proof run beside them: no backup waits for one', async () => {
    const [proof, backup] = [held('verify'), held('backup_full')];
    const runs = [proof, backup].map(({ job }) => runner.run(job, request));
    await nextTurn();
    expect([proof, backup].map((each) => each.isRunning())).toEqual([true, true]);
    for (const { finish } of [proof, backup]) finish();
    await Promise.all(runs);
  });

  test('are on record while they wait, so that a request survives a kill', async () => {
    const [first, second] = [held('backup_full'), held('retention')];
    void runner.run(first.job, request);
    void runner.run(second.job, { ...request, backupId: 'b' });
    await nextTurn();
    expect(history.all.map(({ task, waiting }) => [task, waiting]).sort()).toEqual([
      ['backup_full', undefined],
      ['retention', true],
    ]);
    history.died();
    expect(history.all.map(({ result }) => result)).toEqual(['interrupted', 'interrupted']);
  });

  test('tell who asked once they are on record, and give who asks again the run that there is', async () => {
    const [first, second] = [held('backup_full'), held('retention')];
    const running = runner.submit(first.job, { ...request, requestedBy: 'token:deploy' });
    expect(await running.recorded).toMatchObject({ task: 'backup_full', requestedBy: 'token:deploy' });
    const waiting = runner.submit(second.job, request);
    expect([running.isNew, waiting.isNew]).toEqual([true, true]);
    expect(await waiting.recorded).toMatchObject({ task: 'retention', waiting: true });
    const again = runner.submit(held('retention').job, { ...request, requestedBy: 'token:other' });
    expect([again.isNew, (await again.recorded).id]).toEqual([false, (await waiting.recorded).id]);
    first.finish();
    await running.ended;
    second.finish();
    expect(await waiting.ended).toMatchObject({ result: 'success' });
    expect(await again.ended).not.toHaveProperty('waiting');
    expect(history.all).toHaveLength(2);
  });

  test('leave an incremental backup to the full one that runs or waits', async () => {
    const full = held('backup_full');
    const running = runner.run(full.job, request);
    const record = await runner.run(held('backup_incremental').job, { reason: 'schedule', slot: 5 });
    expect(record).toMatchObject({ result: 'coalesced', slot: 5, coalescedInto: runner.pending[0]?.id });
    full.finish();
    expect((await running).result).toBe('success');
    expect(history.all).toHaveLength(2);
  });

  test('can be canceled while they wait, and begin nothing then', async () => {
    const [first, second] = [held('backup_full'), held('retention')];
    void runner.run(first.job, request);
    const waiting = runner.run(second.job, request);
    expect(runner.cancel(runner.pending[1]?.id ?? '')).toBe(true);
    expect(await waiting).toMatchObject({ result: 'canceled' });
    expect(second.isRunning()).toBe(false);
    first.finish();
  });

  test('of several clusters read one server at a time, and retention beside that', async () => {
    const other = makeRunner('van');
    const [truck, van] = [held('backup_full'), held('backup_full')];
    const runs = [runner.run(truck.job, request), other.run(van.job, request)];
    await nextTurn();
    expect([truck.isRunning(), van.isRunning()]).toEqual([true, false]);
    truck.finish();
    await runs[0];
    await nextTurn();
    expect(van.isRunning()).toBe(true);
    const [verify] = [held('verify')];
    void runner.run(verify.job, request);
    await nextTurn();
    expect(verify.isRunning()).toBe(true);
    van.finish();
    verify.finish();
    await runs[1];
  });
});

describe('a run that fails', () => {
  test('is tried again, with every attempt and phase on record', async () => {
    const run = runner.run(failing(lost, lost), request);
    await clock.advance(6 * MINUTE);
    expect(await run).toMatchObject({
      result: 'success',
      attempts: [{ errorCode: 'CONNECTION_LOST' }, { errorCode: 'CONNECTION_LOST' }, {}],
      phases: [{ name: 'waiting to try again', durationSeconds: 300 }],
    });
    expect(seen).toEqual([
      'backup_full started',
      '1 CONNECTION_LOST 1',
      '2 CONNECTION_LOST 4',
      'backup_full success',
    ]);
    expect(history.all).toHaveLength(1);
  });

  test('for good after its last attempt has failed, and at once where nothing is to be gained', async () => {
    const run = runner.run(failing(lost, lost, lost, lost), request);
    await clock.advance(22 * MINUTE);
    expect((await run).attempts).toHaveLength(4);
    expect(await runner.run(failing(new LarderError('SERVER_REFUSED_LOGIN', 'no')), request)).toMatchObject({
      result: 'failure',
      errorCode: 'SERVER_REFUSED_LOGIN',
    });
  });

  test('lets other clusters have their turn while it waits, and is interrupted in good order', async () => {
    const run = runner.run(failing(lost), request);
    await nextTurn();
    await nextTurn();
    expect(permits.isTaken).toBe(false);
    await runner.shutdown();
    expect(await run).toMatchObject({ result: 'interrupted' });
    expect(clock.sleeping).toBe(0);
  });
});

test('an attempt that moves no byte for a quarter of an hour is given up; one that does is not', async () => {
  const job = held('backup_full');
  void runner.run(job.job, request);
  await nextTurn();
  for (let minute = 0; minute < 40; minute++) {
    job.context().progress({ phase: 'copying', doneBytes: minute });
    await clock.advance(MINUTE);
  }
  for (let minute = 0; minute < 13; minute++) {
    job.context().progress({ phase: 'copying', doneBytes: 39 });
    await clock.advance(MINUTE);
  }
  expect(seen).toEqual(['backup_full started']);
  await clock.advance(1.5 * MINUTE);
  expect(seen).toEqual(['backup_full started', '1 TIMED_OUT 1']);
  await runner.shutdown();
});
