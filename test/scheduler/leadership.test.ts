import { beforeEach, expect, test } from '@jest/globals';
import { LarderError } from '../../src/errors.ts';
import { Leadership, type LeadershipParts } from '../../src/scheduler/leadership.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** The world that replicas share: a server with a lock, a repository with a lease. */
let clock: FakeClock;
let world: {
  server: boolean;
  repository: boolean | 'away';
  lock: string | undefined;
  lease: string | undefined;
};
let losses: Map<string, AbortController>;

beforeEach(() => {
  clock = new FakeClock();
  world = { server: true, repository: true, lock: undefined, lease: undefined };
  losses = new Map();
});

function replica(name: string): { leadership: Leadership; roles: string[] } {
  const roles: string[] = [];
  const parts: LeadershipParts = {
    clock,
    takeLock: () => {
      if (!world.server) return Promise.reject(new Error('down'));
      if (world.lock !== undefined && world.lock !== name) return Promise.resolve(undefined);
      world.lock = name;
      return Promise.resolve({
        isHeld: () => Promise.resolve(world.server && world.lock === name),
        release: () => {
          if (world.lock === name) world.lock = undefined;
          return Promise.resolve();
        },
      });
    },
    repositoryExists: () =>
      world.repository === 'away' ? Promise.reject(new Error('away')) : Promise.resolve(world.repository),
    takeLease: () => {
      if (world.lease !== undefined && world.lease !== name) {
        return Promise.reject(new LarderError('LEASE_HELD', `${world.lease} has it`));
      }
      world.lease = name;
      const loss = new AbortController();
      losses.set(name, loss);
      const release = () => {
        if (world.lease === name) world.lease = undefined;
        return Promise.resolve();
      };
      return Promise.resolve({ epoch: 7, signal: loss.signal, release });
    },
    changed: (role) => void roles.push(role),
  };
  return { leadership: new Leadership(parts), roles };
}
async function pair() {
  const [a, b] = [replica('a'), replica('b')];
  a.leadership.start();
  await clock.advance(1);
  b.leadership.start();
  await clock.advance(1);
  return { a, b };
}

test('the first one leads with lock and lease, and when it stops the other one does', async () => {
  const { a, b } = await pair();
  expect([a.roles, b.roles, a.leadership.epoch, b.leadership.epoch]).toEqual([['leader'], ['standby'], 7, 0]);
  await a.leadership.stop();
  await clock.advance(5_000);
  expect(b.roles).toEqual(['standby', 'leader']);
});

test('before there is a repository the lock decides, and whoever has it takes the lease when there is one', async () => {
  world.repository = false;
  const { a, b } = await pair();
  world.repository = true;
  await clock.advance(20_000);
  expect([a.roles, b.roles, world.lease]).toEqual([['leader'], ['standby'], 'a']);
});

test('while the server is down, the lease decides', async () => {
  world.server = false;
  const { a, b } = await pair();
  expect([a.roles, b.roles]).toEqual([['leader'], ['standby']]);
  world.server = true;
  await clock.advance(60_000);
  expect([a.roles, b.roles]).toEqual([['leader'], ['standby']]);
});

test('a session that outlives its machine does not keep a free lease from being taken', async () => {
  world.lock = 'a machine that is gone';
  const b = replica('b');
  b.leadership.start();
  await clock.advance(80_000);
  expect(b.roles).toEqual(['standby']);
  await clock.advance(20_000);
  expect([b.roles, world.lease]).toEqual([['standby', 'leader'], 'b']);
});

test('who loses the lease to another stands by at once; who loses it because the repository is away goes on', async () => {
  const { a } = await pair();
  world.repository = 'away';
  losses.get('a')?.abort();
  await clock.advance(1);
  expect([a.roles, a.leadership.epoch]).toEqual([['leader'], 0]);
  world.repository = true;
  world.lease = 'b';
  await clock.advance(5_000);
  expect(a.roles).toEqual(['leader', 'standby']);
});
