import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Pauses } from '../../src/scheduler/pauses.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const now = Date.parse('2026-11-22T12:00:00Z');
const HOUR = 3_600_000;
const pause = { cluster: 'truck', task: 'backup_full', until: now + HOUR } as const;

test('a pause holds for its schedule alone, survives a restart, and ends by itself', async () => {
  await using state = await temporaryDirectory();
  await (await Pauses.open(state.path)).pause(pause, now);
  const pauses = await Pauses.open(state.path);
  expect(pauses.pausedUntil('truck', 'backup_full', now)).toBe(pause.until);
  expect(pauses.pausedUntil('truck', 'backup_incremental', now)).toBeUndefined();
  expect(pauses.pausedUntil('other', 'backup_full', now)).toBeUndefined();
  expect(pauses.pausedUntil('truck', 'backup_full', pause.until)).toBeUndefined();
  expect((await stat(join(state.path, 'pauses.json'))).mode & 0o777).toBe(0o600);
});

test('a pause can be replaced, and ended before its time', async () => {
  await using state = await temporaryDirectory();
  const pauses = await Pauses.open(state.path);
  await pauses.pause(pause, now);
  await pauses.pause({ ...pause, until: now + 2 * HOUR }, now);
  expect(pauses.pausedUntil('truck', 'backup_full', now)).toBe(now + 2 * HOUR);
  await pauses.resume(pause);
  expect((await Pauses.open(state.path)).pausedUntil('truck', 'backup_full', now)).toBeUndefined();
});

test.each([0, -1, 32 * 24])('a pause that ends in %d hours is refused', async (hours) => {
  await using state = await temporaryDirectory();
  const pauses = await Pauses.open(state.path);
  await expect(pauses.pause({ ...pause, until: now + hours * HOUR }, now)).rejects.toMatchObject({
    code: 'USAGE',
  });
});

test('pauses that cannot be read keep nothing from running', async () => {
  await using state = await temporaryDirectory();
  await writeFile(join(state.path, 'pauses.json'), '[{"cluster":');
  expect((await Pauses.open(state.path)).pausedUntil('truck', 'backup_full', now)).toBeUndefined();
});
