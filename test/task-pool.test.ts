import { afterEach, describe, expect, test } from '@jest/globals';
import { Worker } from 'node:worker_threads';
import { TaskPool } from '../src/task-pool.ts';

/** Answers a number with how many tasks it has at that moment, when the task "go" has come; the rest as the words say. */
const PROGRAM = `
  const { parentPort } = require('node:worker_threads');
  const held = [];
  parentPort.on('message', ({ number, task }) => {
    if (task === 'exit') process.exit(3);
    if (task === 'fail') {
      parentPort.postMessage({ number, kind: 'failed', error: { code: 'OBJECT_DAMAGED', message: 'damaged' } });
      return;
    }
    held.push(number);
    if (task !== 'go') return;
    for (const each of held.splice(0).reverse()) {
      parentPort.postMessage({ number: each, kind: 'done', result: each });
    }
  });
`;

const opened: TaskPool<string>[] = [];

function open(threads: number, each: number): { pool: TaskPool<string>; started: Worker[] } {
  const started: Worker[] = [];
  const start = (): Worker => {
    const worker = new Worker(PROGRAM, { eval: true });
    started.push(worker);
    return worker;
  };
  const pool = new TaskPool<string>(start, { threads, each });
  opened.push(pool);
  return { pool, started };
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((pool) => pool.close()));
});

describe('a pool of threads', () => {
  test('gives a thread a second task while the first waits, and tells the answers apart', async () => {
    const { pool, started } = open(1, 2);
    const [first, second] = [pool.run('hold'), pool.run('go')];
    await expect(Promise.all([first, second])).resolves.toEqual([0, 1]);
    expect(started).toHaveLength(1);
  });

  test('starts a thread before any gets a second task, and no more than it may', async () => {
    const { pool, started } = open(2, 2);
    const held = [pool.run('hold'), pool.run('hold'), pool.run('go'), pool.run('go')];
    await Promise.all(held);
    expect(started).toHaveLength(2);
  });

  test('keeps what is too much in line', async () => {
    const { pool } = open(1, 1);
    await expect(Promise.all([pool.run('go'), pool.run('go'), pool.run('go')])).resolves.toEqual([0, 1, 2]);
  });

  test('rejects one task with what it failed with, and not the other', async () => {
    const { pool } = open(1, 2);
    const [held, failed] = [pool.run('hold'), pool.run('fail')];
    await expect(failed).rejects.toMatchObject({ code: 'OBJECT_DAMAGED' });
    await expect(Promise.all([held, pool.run('go')])).resolves.toEqual([0, 2]);
  });

  test('rejects everything that a thread had when it ended, and replaces it', async () => {
    const { pool, started } = open(1, 2);
    const [held, ended] = [pool.run('hold'), pool.run('exit')];
    await Promise.all([held, ended].map((each) => expect(each).rejects.toMatchObject({ code: 'INTERNAL' })));
    await expect(pool.run('go')).resolves.toBe(2);
    expect(started).toHaveLength(2);
  });

  test('rejects what is under way and in line when it is closed', async () => {
    const { pool } = open(1, 1);
    const tasks = [pool.run('hold'), pool.run('hold')].map((each) =>
      expect(each).rejects.toMatchObject({ code: 'INTERNAL' }),
    );
    await pool.close();
    await Promise.all([...tasks, expect(pool.run('go')).rejects.toMatchObject({ code: 'INTERNAL' })]);
  });
});
