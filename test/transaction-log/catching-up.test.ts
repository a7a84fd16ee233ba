import { expect, test } from '@jest/globals';
import { CatchingUp } from '../../src/transaction-log/catching-up.ts';
import { FakeClock } from '../support/fake-clock.ts';

const MIB = 1024 * 1024;
const FAR = 300n * 1024n * 1024n;

function catchingUp(backlog: { bytes: number }) {
  const clock = new FakeClock();
  const wait = async (milliseconds: number): Promise<boolean> => {
    await clock.sleep(milliseconds);
    return true;
  };
  return { clock, catching: new CatchingUp({ backlog: () => backlog.bytes, clock, wait }) };
}

test('only a receiver that is far behind leaves out the spool', () => {
  const { catching } = catchingUp({ bytes: 200 * MIB });
  expect([catching.skipsSpool(FAR), catching.skipsSpool(10n)]).toEqual([true, false]);
  expect(catching.room(10n)).toBeUndefined();
});

test('it reads no further than what can be stored soon', async () => {
  const backlog = { bytes: 10 * MIB };
  const { clock, catching } = catchingUp(backlog);
  expect(catching.room(FAR)).toBeUndefined();
  backlog.bytes = 97 * MIB;
  let goesOn = false;
  const waiting = catching.room(FAR)?.then(() => (goesOn = true));
  await clock.advance(100);
  expect(goesOn).toBe(false);
  backlog.bytes = 96 * MIB;
  await clock.advance(10);
  await waiting;
  expect([goesOn, catching.skipsSpool(FAR)]).toEqual([true, true]);
});

test('a repository that does not keep up has the spool take the log, from then on', async () => {
  const { clock, catching } = catchingUp({ bytes: 200 * MIB });
  const waiting = catching.room(FAR);
  await clock.advance(1000);
  await waiting;
  expect(catching.skipsSpool(FAR)).toBe(false);
  expect(catching.room(FAR)).toBeUndefined();
});
