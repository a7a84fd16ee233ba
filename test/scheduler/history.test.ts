import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import { RunHistory } from '../../src/scheduler/history.ts';
import { encodeRun } from '../../src/scheduler/run-record.ts';
import { aRun, anEndedRun } from '../support/run-records.ts';

let scratch: string;
let state: string;
let path: string;
const reopened = () => RunHistory.open(state, systemClock);

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'larder-history-'));
  state = join(scratch, 'state');
  path = join(state, 'runs.jsonl');
});
afterEach(() => rm(scratch, { recursive: true }));

/** A process that appends runs without end until it is killed, saying each id once append has resolved. */
function writer() {
  const script = `
    import { systemClock } from ${JSON.stringify(join(process.cwd(), 'src/clock.ts'))};
    import { RunHistory } from ${JSON.stringify(join(process.cwd(), 'src/scheduler/history.ts'))};
    import { readProcessIdentity } from ${JSON.stringify(join(process.cwd(), 'src/process-identity.ts'))};
    const history = await RunHistory.open(process.argv[1], systemClock);
    for (let n = 0; ; n++) {
      const id = process.pid + '-' + n;
      await history.append({ id, cluster: 'truck', task: 'backup_full', reason: 'manual', started: Date.now(), process: readProcessIdentity() });
      process.stdout.write(id + '\\n');
      await systemClock.sleep(1);
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script, state], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return {
    ids: () => said.split('\n').slice(0, -1),
    started: async () => {
      while (said.split('\n').length < 10) await once(child.stdout, 'data');
    },
    kill: async () => {
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}

test('the state is for its owner only', async () => {
  await reopened();
  expect((await stat(state)).mode & 0o777).toBe(0o700);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('a run is on record from its start, and its end takes the place of its start', async () => {
  const history = await reopened();
  const run = aRun();
  await history.append(run);
  expect(await (await reopened()).runs()).toEqual([run]);
  const ended = { ...run, ended: run.started + 5, result: 'success' as const };
  await history.append(ended);
  expect(await (await reopened()).runs()).toEqual([ended]);
});

test('runs come in the order in which they were put on record, whatever the clock said', async () => {
  const history = await reopened();
  await history.append(anEndedRun({ id: 'second', started: 2000 }));
  await history.append(anEndedRun({ id: 'first', started: 1000 }));
  expect((await history.runs()).map(({ id }) => id)).toEqual(['second', 'first']);
});

test('a deleted state directory is an empty history', async () => {
  const history = await reopened();
  await rm(state, { recursive: true });
  expect(await history.runs()).toEqual([]);
});

describe('after a crash', () => {
  test('a torn last line is passed over and does not swallow the next record', async () => {
    const history = await reopened();
    await history.append(anEndedRun({ id: 'whole', started: 1 }));
    await appendFile(path, encodeRun(aRun()).slice(0, 40));
    await history.append(anEndedRun({ id: 'next', started: 2 }));
    expect((await history.runs()).map(({ id }) => id)).toEqual(['whole', 'next']);
  });

  test('a run without an end is running while its process lives and interrupted when it is dead', async () => {
    const history = await reopened();
    await history.append(aRun({ id: 'ours', started: 1 }));
    const reused = { ...aRun().process, processStart: '1' };
    const beforeReboot = { ...aRun().process, bootId: 'another' };
    await history.append(aRun({ id: 'pid was given out again', started: 2, process: reused }));
    await history.append(aRun({ id: 'before the reboot', started: 3, process: beforeReboot }));
    expect((await history.runs()).map(({ result }) => result)).toEqual([
      undefined,
      'interrupted',
      'interrupted',
    ]);
  });

  test('a writer killed with SIGKILL loses nothing it was told is on record', async () => {
    const child = writer();
    await child.started();
    expect((await (await reopened()).runs()).at(-1)?.result).toBeUndefined();
    await child.kill();
    const runs = await (await reopened()).runs();
    expect(runs.map(({ id }) => id)).toEqual(expect.arrayContaining(child.ids()));
    expect(new Set(runs.map(({ result }) => result))).toEqual(new Set(['interrupted']));
  });
});

describe('compaction', () => {
  const lines = (from: number, to: number) =>
    Array.from(
      { length: to - from },
      (_, n) => `${encodeRun(anEndedRun({ id: `run ${from + n}`, started: from + n }))}\n`,
    );

  test('opening keeps the newest 1000 runs, readable by their owner only', async () => {
    await reopened();
    await writeFile(path, lines(0, 1200).join(''));
    const runs = await (await reopened()).runs();
    expect(runs.map(({ id }) => id)).toEqual(Array.from({ length: 1000 }, (_, n) => `run ${n + 200}`));
    expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(1001);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('nothing that processes append meanwhile is lost', async () => {
    await reopened();
    const writers = [writer(), writer()];
    for (const child of writers) await child.started();
    // dated 1970, so that what is dropped is theirs and never the writers'
    for (let round = 0; round < 10; round++) {
      await appendFile(path, lines(round * 1100, round * 1100 + 1100).join(''));
      await reopened();
      const runs = await (await reopened()).runs();
      expect(runs.length).toBeLessThan(2000);
    }
    await Promise.all(writers.map((child) => child.kill()));
    const kept = new Set((await (await reopened()).runs()).map(({ id }) => id));
    for (const child of writers) {
      const told = child.ids();
      const oldestKept = told.findIndex((id) => kept.has(id));
      expect(oldestKept).toBeGreaterThanOrEqual(0);
      expect(told.slice(oldestKept).filter((id) => !kept.has(id))).toEqual([]);
    }
  });

  test('while another process compacts, and for ten minutes after one that died, it is left to that', async () => {
    await reopened();
    await writeFile(path, lines(0, 1200).join(''));
    await writeFile(`${path}.compacting`, '');
    expect(await (await reopened()).runs()).toHaveLength(1200);
    await utimes(`${path}.compacting`, 0, 0);
    await reopened();
    expect(await (await reopened()).runs()).toHaveLength(1000);
  });
});

describe('a history that was lost', () => {
  const found = anEndedRun({ id: 'rebuilt', reason: 'rebuilt', started: 2, backupId: 'backup' });
  const known = (id: string, started: number) => anEndedRun({ id, started, backupId: id });

  test('is incomplete until it is filled, also after another start', async () => {
    expect(await (await reopened()).isIncomplete()).toBe(true);
    expect(await (await reopened()).fill([found], systemClock)).toEqual([found]);
    const history = await reopened();
    expect([await history.isIncomplete(), await history.runs()]).toEqual([false, [found]]);
  });

  test('in part, by a flipped bit, is told and filled in its place, and what was there is kept beside it', async () => {
    const history = await reopened();
    await history.fill([], systemClock);
    for (const run of [known('first', 1), known('lost', 2), known('last', 3)]) await history.append(run);
    const bytes = await readFile(path);
    bytes[bytes.indexOf('lost') + 1]! ^= 0x02;
    await writeFile(path, bytes);

    const after = await reopened();
    expect((await after.runs()).map(({ id }) => id)).toEqual(['first', 'last']);
    expect(await after.isIncomplete()).toBe(true);
    await after.fill([found, known('first', 1)], systemClock);
    expect((await (await reopened()).runs()).map(({ id }) => id)).toEqual(['first', 'rebuilt', 'last']);
    expect(await (await reopened()).isIncomplete()).toBe(false);
    expect(await readFile(`${path}.damaged`)).toEqual(bytes);
  });

  test('is not what a line is that somebody writes just now', async () => {
    const history = await reopened();
    await history.fill([], systemClock);
    await history.append(known('first', 1));
    await appendFile(path, encodeRun(known('second', 2)).slice(0, 50));
    expect(await (await reopened()).isIncomplete()).toBe(false);
    // the rest of it never came
    await history.append(known('third', 3));
    expect(await (await reopened()).isIncomplete()).toBe(true);
  });

  test('is not filled while another process writes the file anew', async () => {
    const history = await reopened();
    await writeFile(`${path}.compacting`, '');
    await expect(history.fill([found], systemClock)).rejects.toMatchObject({ code: 'STATE_NOT_WRITABLE' });
    expect([await history.isIncomplete(), await history.runs()]).toEqual([true, []]);
  });
});

describe('a state directory that cannot be used', () => {
  test('is refused at the start, with what to do', async () => {
    await writeFile(state, 'a file, not a directory');
    await expect(reopened()).rejects.toMatchObject({
      code: 'STATE_NOT_WRITABLE',
      hint: 'Give Larder a state directory that it owns, on a disk with free space.',
    });
  });

  test('an end that could not be written counts at once and is written with the next record', async () => {
    const history = await reopened();
    const run = aRun({ id: 'first', started: 1 });
    await history.append(run);
    await rm(state, { recursive: true });
    await writeFile(state, '');
    const ended = { ...run, ended: 2, result: 'success' as const };
    await expect(history.append(ended)).rejects.toMatchObject({ code: 'STATE_NOT_WRITABLE' });
    await rm(state);
    expect(await history.runs()).toEqual([ended]);
    await reopened();
    await history.append(anEndedRun({ id: 'second', started: 3 }));
    expect((await (await reopened()).runs()).map(({ id }) => id)).toEqual(['first', 'second']);
  });
});
