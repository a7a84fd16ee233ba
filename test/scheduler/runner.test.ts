import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { LarderError } from '../../src/errors.ts';
import { perTask, type Job, type JobContext, type JobOutcome } from '../../src/jobs/job.ts';
import { RunHistory } from '../../src/scheduler/history.ts';
import { RunEvents } from '../../src/scheduler/run-events.ts';
import { Permits } from '../../src/scheduler/permits.ts';
import { JobRunner, type RunnerParts } from '../../src/scheduler/runner.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/until.ts';

let state: string;
let history: RunHistory;
let clock: FakeClock;
let seen: string[];
let listenerErrors: unknown[];
let runner: JobRunner;

beforeEach(async () => {
  state = join(await mkdtemp(join(tmpdir(), 'larder-runner-')), 'state');
  clock = new FakeClock();
  history = await RunHistory.open(state, clock);
  seen = [];
  listenerErrors = [];
  const events = new RunEvents((error) => listenerErrors.push(error));
  events.listen({
    started: (run) => seen.push(`started ${run.reason}`),
    progress: ({ doneBytes, totalBytes }) => seen.push(`progress ${doneBytes}/${totalBytes ?? '?'}`),
    ended: (run) => seen.push(`ended ${run.result ?? ''}`),
  });
  runner = new JobRunner(parts(events));
});
afterEach(() => rm(join(state, '..'), { recursive: true }));

const parts = (events: RunEvents): RunnerParts => ({
  cluster: 'truck',
  history,
  events,
  clock,
  limits: perTask(() => ({ timeoutSeconds: 3600, stallSeconds: undefined, retrySeconds: 0 })),
  permits: new Permits(1),
  random: () => 0.5,
});

const outcome: JobOutcome = {
  backupId: 'full_backup_truck_1',
  sourceBytes: 10,
  storedBytes: 5,
  warnings: [],
};
const job = (run: (context: JobContext) => Promise<JobOutcome>): Job => ({ task: 'backup_full', run });

/** A job that goes on until the test ends it, or until its signal aborts if it is obedient. */
function heldJob({ obedient = true } = {}) {
  const { promise, resolve, reject } = Promise.withResolvers<JobOutcome>();
  let starts = 0;
  const held = job(({ signal }) => {
    starts++;
    if (obedient) signal.addEventListener('abort', () => reject(new Error('socket closed')));
    return promise;
  });
  return { job: held, finish: () => resolve(outcome), starts: () => starts };
}

describe('a run', () => {
  test('is on record before its work begins, and with its outcome when it is over', async () => {
    const record = await runner.run(
      job(async ({ runId, progress }) => {
        const [before] = await history.runs();
        expect(before).toMatchObject({ id: runId, cluster: 'truck', reason: 'manual' });
        expect(before?.result).toBeUndefined();
        progress({ doneBytes: 5, totalBytes: 10 });
        await clock.advance(1500);
        return outcome;
      }),
      { reason: 'manual' },
    );
    expect(record).toMatchObject({ ...outcome, result: 'success', durationSeconds: 1.5 });
    expect(await history.runs()).toEqual([record]);
    expect(seen).toEqual(['started manual', 'progress 5/10', 'ended success']);
    expect(clock.sleeping).toBe(0);
  });

  test('whose durable result has a problem has failed, and keeps the result', async () => {
    const problem = new LarderError('SOURCE_CORRUPT', 'the cluster holds damaged pages');
    const record = await runner.run(
      job(() => Promise.resolve({ ...outcome, problem })),
      { reason: 'schedule' },
    );
    expect(record).toMatchObject({ ...outcome, result: 'failure', errorCode: 'SOURCE_CORRUPT' });
    expect(await history.runs()).toEqual([record]);
  });

  test('that fails resolves with the error it failed with', async () => {
    const error = new LarderError('REPOSITORY_FULL', 'the disk is full', { hint: 'Make room.' });
    const record = await runner.run(
      job(() => Promise.reject(error)),
      { reason: 'schedule' },
    );
    expect(record).toMatchObject({
      result: 'failure',
      errorCode: 'REPOSITORY_FULL',
      errorMessage: 'the disk is full',
      hint: 'Make room.',
    });
    expect(await history.runs()).toEqual([record]);
  });

  test('is not started where it cannot be put on record, and fails for all to see', async () => {
    await rm(state, { recursive: true });
    await writeFile(state, '');
    const held = heldJob();
    const record = await runner.run(held.job, { reason: 'schedule' });
    expect(record).toMatchObject({ result: 'failure', errorCode: 'STATE_NOT_WRITABLE' });
    expect(held.starts()).toBe(0);
    expect(seen).toEqual(['ended failure']);
  });

  test('whose end cannot be put on record keeps its result and says so', async () => {
    const record = await runner.run(
      job(async () => {
        await rm(state, { recursive: true });
        await writeFile(state, '');
        return outcome;
      }),
      { reason: 'schedule' },
    );
    expect(record).toMatchObject({ result: 'success', backupId: outcome.backupId });
    expect(record.warnings?.[0]).toContain('the end of the run is not on record');
  });

  test('is not harmed by a listener that throws', async () => {
    const events = new RunEvents((error) => listenerErrors.push(error));
    const broken = new Error('broken listener');
    events.listen({
      started: () => {
        throw broken;
      },
    });
    const record = await new JobRunner(parts(events)).run(
      job(() => Promise.resolve(outcome)),
      { reason: 'first' },
    );
    expect(record.result).toBe('success');
    expect(listenerErrors).toEqual([broken]);
  });
});

describe('a second request', () => {
  test('for the same task joins the run in progress', async () => {
    const held = heldJob();
    const first = runner.run(held.job, { reason: 'schedule' });
    await until(() => held.starts() === 1);
    const second = runner.run(held.job, { reason: 'manual' });
    held.finish();
    expect(await second).toBe(await first);
    expect(await history.runs()).toHaveLength(1);
  });

  test('after the first is over is a run of its own', async () => {
    await runner.run(
      job(() => Promise.resolve(outcome)),
      { reason: 'schedule' },
    );
    await runner.run(
      job(() => Promise.resolve(outcome)),
      { reason: 'manual' },
    );
    expect((await history.runs()).map(({ reason }) => reason)).toEqual(['schedule', 'manual']);
  });
});

describe('a run ended from outside', () => {
  test('at its time limit is a timeout', async () => {
    const held = heldJob();
    const run = runner.run(held.job, { reason: 'schedule' });
    await until(() => held.starts() === 1);
    await clock.advance(3_599_999);
    expect(runner.pending).toHaveLength(1);
    await clock.advance(1);
    expect(await run).toMatchObject({ result: 'timeout', errorCode: 'TIMED_OUT', durationSeconds: 3600 });
    expect(runner.pending).toEqual([]);
  });

  test('by its id is canceled, and no other id ends it', async () => {
    const held = heldJob();
    const run = runner.run(held.job, { reason: 'schedule' });
    await until(() => held.starts() === 1);
    expect(runner.cancel('another')).toBe(false);
    expect(runner.cancel(runner.pending[0]?.id ?? '')).toBe(true);
    expect(await run).toMatchObject({ result: 'canceled', errorMessage: 'the run was canceled' });
  });

  test('by a shutdown is interrupted, on record, and nothing starts any more', async () => {
    const held = heldJob();
    const run = runner.run(held.job, { reason: 'schedule' });
    await until(() => held.starts() === 1);
    await runner.shutdown();
    expect(await run).toMatchObject({ result: 'interrupted', errorCode: 'INTERRUPTED' });
    expect((await history.runs())[0]?.result).toBe('interrupted');
    await expect(runner.run(held.job, { reason: 'manual' })).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(await history.runs()).toHaveLength(1);
  });

  test('by a shutdown before its first step does not begin', async () => {
    const held = heldJob();
    const run = runner.run(held.job, { reason: 'schedule' });
    await Promise.resolve();
    await runner.shutdown();
    expect(await run).toMatchObject({ result: 'interrupted' });
    expect(held.starts()).toBe(0);
  });

  test('is waited for where it does not listen, and its success counts: committed is committed', async () => {
    const held = heldJob({ obedient: false });
    const run = runner.run(held.job, { reason: 'schedule' });
    await until(() => held.starts() === 1);
    const stopped = runner.shutdown();
    held.finish();
    await stopped;
    expect(await run).toMatchObject({ result: 'success', backupId: outcome.backupId });
  });
});
