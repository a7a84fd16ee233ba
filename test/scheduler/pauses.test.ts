import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Pauses, type Pause } from '../../src/scheduler/pauses.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const now = Date.parse('2026-11-22T12:00:00Z');
const HOUR = 3_600_000;
const pause: Pause = {
  cluster: 'truck',
  task: 'backup_full',
  since: now,
  until: now + HOUR,
  reason: 'moving the disks',
  by: 'user:kim',
};

test('a pause holds for its schedule alone, is seen by every process, and ends by itself', async () => {
  await using state = await temporaryDirectory();
  const other = new Pauses(state.path);
  expect(await other.read(now)).toEqual([]);
  await new Pauses(state.path).pause(pause);
  expect(await other.read(now)).toEqual([pause]);
  expect(await other.read(pause.until)).toEqual([]);
  expect((await stat(join(state.path, 'pauses', 'truck.backup_full.json'))).mode & 0o777).toBe(0o600);
});

test('a pause can be replaced, and ended before its time', async () => {
  await using state = await temporaryDirectory();
  const pauses = new Pauses(state.path);
  const longer = { ...pause, until: now + 2 * HOUR };
  const another = { ...pause, task: 'verify' } as const;
  for (const each of [pause, longer, another]) await pauses.pause(each);
  expect(await pauses.read(now)).toEqual([longer, another]);
  expect(await pauses.resume(pause, now)).toBe(true);
  expect(await pauses.read(now)).toEqual([another]);
  expect(await pauses.resume(pause, now)).toBe(false);
  expect(await pauses.resume(another, another.until)).toBe(false);
});

test('pauses of two processes at the same time do not undo each other', async () => {
  await using state = await temporaryDirectory();
  const tasks = ['backup_full', 'backup_incremental', 'verify', 'retention', 'drill'] as const;
  await Promise.all(tasks.map((task) => new Pauses(state.path).pause({ ...pause, task })));
  expect((await new Pauses(state.path).read(now)).map(({ task }) => task).sort()).toEqual([...tasks].sort());
});

test.each([0, -1, 32 * 24])('a pause that ends in %d hours is refused', async (hours) => {
  await using state = await temporaryDirectory();
  const pauses = new Pauses(state.path);
  await expect(pauses.pause({ ...pause, until: now + hours * HOUR })).rejects.toMatchObject({
    code: 'USAGE',
  });
});

test('a pause without a reason is refused', async () => {
  await using state = await temporaryDirectory();
  await expect(new Pauses(state.path).pause({ ...pause, reason: ' ' })).rejects.toMatchObject({
    code: 'USAGE',
  });
  expect(await readdir(state.path)).toEqual([]);
});

test('pauses that cannot be understood keep nothing from running', async () => {
  await using state = await temporaryDirectory();
  const directory = join(state.path, 'pauses');
  await mkdir(directory);
  await writeFile(join(directory, 'truck.backup_full.json'), '{"cluster":');
  await writeFile(join(directory, 'truck.verify.json'), JSON.stringify({ ...pause, until: '2026-11-23' }));
  expect(await new Pauses(state.path).read(now)).toEqual([]);
  await expect(new Pauses(join(directory, 'truck.verify.json')).read(now)).rejects.toMatchObject({
    code: 'STATE_NOT_WRITABLE',
  });
});
