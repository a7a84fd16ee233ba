import { describe, expect, test } from '@jest/globals';
import { Worker } from 'node:worker_threads';
import { LarderError } from '../src/errors.ts';
import { runInWorkers } from '../src/worker-pool.ts';

/** Workers that answer a request with its double, and do as the others say. */
const PROGRAM = `
  const { parentPort } = require('node:worker_threads');
  let busy = 0;
  parentPort.on('message', async (request) => {
    busy += 1;
    if (request === 'throw') throw new Error('boom');
    if (request === 'exit') process.exit(3);
    if (request === 'wait') return;
    await new Promise((resolve) => setTimeout(resolve, request % 3));
    parentPort.postMessage({ busy, double: request * 2 });
    busy -= 1;
  });
`;

function start(count: number): Worker[] {
  return Array.from({ length: count }, () => new Worker(PROGRAM, { eval: true }));
}

const never = (): AbortSignal => new AbortController().signal;

async function expectEnded(workers: readonly Worker[]): Promise<void> {
  // terminate() of a thread that is gone resolves to nothing
  expect(workers.map(({ threadId }) => threadId)).toEqual(workers.map(() => -1));
  await Promise.all(workers.map((worker) => worker.terminate()));
}

describe('requests to workers', () => {
  test('are each answered once, one at a time in each worker', async () => {
    const workers = start(3);
    const answers: { busy: number; double: number }[] = [];
    const onAnswer = (answer: unknown): void => void answers.push(answer as { busy: number; double: number });
    await runInWorkers(workers, Array.from({ length: 100 }).keys(), { onAnswer, signal: never() });
    const doubles = answers.map(({ double }) => double).toSorted((a, b) => a - b);
    expect(doubles).toEqual(Array.from({ length: 100 }, (_, i) => i * 2));
    expect(answers.every(({ busy }) => busy === 1)).toBe(true);
    await expectEnded(workers);
  });

  test('may be none at all', async () => {
    const workers = start(2);
    await runInWorkers(workers, [], { onAnswer: () => undefined, signal: never() });
    await expectEnded(workers);
  });

  test('end with what the receiver of answers throws', async () => {
    const workers = start(2);
    const failure = new LarderError('OBJECT_DAMAGED', 'damaged');
    const onAnswer = (): never => {
      throw failure;
    };
    await expect(runInWorkers(workers, [1, 2, 3], { onAnswer, signal: never() })).rejects.toBe(failure);
    await expectEnded(workers);
  });

  test.each(['throw', 'exit'])('end when a worker does by itself (%s)', async (request) => {
    const workers = start(2);
    const running = runInWorkers(workers, [request], { onAnswer: () => undefined, signal: never() });
    await expect(running).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringMatching(/^a worker ended/),
    });
    await expectEnded(workers);
  });

  test('end with the reason of the signal, before or while a worker is at it', async () => {
    const reason = new LarderError('INTERRUPTED', 'stop');
    const stop = new AbortController();
    const workers = start(2);
    const waiting = runInWorkers(workers, ['wait'], { onAnswer: () => undefined, signal: stop.signal });
    setTimeout(() => stop.abort(reason), 20);
    await expect(waiting).rejects.toBe(reason);
    await expectEnded(workers);
    const others = start(1);
    const late = runInWorkers(others, ['wait'], { onAnswer: () => undefined, signal: stop.signal });
    await expect(late).rejects.toBe(reason);
    await expectEnded(others);
  });
});
