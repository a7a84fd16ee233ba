import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LarderError } from '../../../src/errors.ts';
import { readCatalogue } from '../../../src/repository/catalogue.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import {
  failureOf,
  makeScratch,
  objectsOf,
  restoreAndStart,
  verify,
  type Scratch,
  type TestRepository,
} from '../../support/backup-runner.ts';
import { Moments } from '../../support/kills/moments.ts';
import { OperationProcess } from '../../support/kills/operation-process.ts';
import { Tally } from '../../support/kills/tally.ts';
import {
  buildAgedRepository,
  expectSound,
  linkedCopy,
  type AgedRepository,
} from '../../support/retention/aged-repository.ts';
import { pruneAged } from '../../support/retention/prune-aged.ts';

const KILLS = 12;
const DAY = '2100-03-11';

let scratch: Scratch;
let aged: AgedRepository;
/** Objects of the repository when a removal came to its end. */
let wanted: string[];
let removed: readonly string[];

beforeAll(async () => {
  scratch = await makeScratch();
  aged = await buildAgedRepository(scratch.path);
  await aged.receiver.stop();
  await pruneAged(aged.repository);
  const copy = await nextCopy();
  removed = (await pruneAged(copy, { on: DAY })).removedBackups;
  expect(removed).toHaveLength(5);
  wanted = await objectsOf(copy);
}, 180_000);
afterAll(async () => {
  await aged[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

let copies = 0;

function nextCopy(): Promise<TestRepository> {
  return linkedCopy(aged.repository, join(scratch.path, `copy-${copies++}`));
}

/** What a removal that was broken off anywhere leaves: sound backups, of those to go the oldest, and a log without a hole. */
async function expectPrefix(repository: TestRepository): Promise<void> {
  const found = await expectSound(repository);
  const left = removed.filter((id) => found.includes(id));
  expect(left).toEqual(removed.slice(removed.length - left.length));
  const { backups } = aged;
  for (const kept of [backups.january, backups.february, backups.februaryNext])
    expect(found).toContain(kept.id);
}

/** The next run needs no help. */
async function expectFinishes(repository: TestRepository): Promise<void> {
  await pruneAged(repository, { on: DAY });
  expect(await objectsOf(repository)).toEqual(wanted);
}

describe('a removal that is killed at a random moment', () => {
  test('leaves every backup that there is whole, and the next run ends what it began', async () => {
    const phases = ['removing backups', 'removing log', 'marking'];
    const moments = new Moments(phases.map((phase) => ({ phase })));
    const tally = new Tally();
    const runToEnd = await nextCopy();
    const whole = OperationProcess.start('prune-program.ts', [runToEnd.location.directory, DAY]);
    await whole.begin();
    moments.learn(await whole.ended());
    while (!tally.covers(KILLS, ['removing backups'])) {
      const repository = await nextCopy();
      const operation = OperationProcess.start('prune-program.ts', [repository.location.directory, DAY]);
      await operation.begin();
      await moments.next(operation);
      operation.kill();
      const ending = await operation.ended();
      expect(ending.stderr).toBe('');
      tally.add(ending.done ? undefined : ending.phase);
      await expectPrefix(repository);
      await expectFinishes(repository);
      await rm(repository.location.directory, { recursive: true });
    }
    tally.print(`SIGKILL in a removal, seed ${moments.seed}`);
  }, 300_000);
});

/** The store, with one of its removals failing: before it has any effect, or when only the answer is lost. */
function failingAt(store: ObjectStore, count: number, effect: 'none' | 'done'): ObjectStore {
  let calls = 0;
  return new Proxy(store, {
    get: (target, key) => {
      if (key !== 'delete') {
        const value = Reflect.get(target, key) as unknown;
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      }
      return async (name: string): Promise<void> => {
        // the lease removes older ones, and lets that fail
        if (name.startsWith('lease/')) return target.delete(name);
        const fails = calls++ === count;
        if (!fails || effect === 'done') await target.delete(name);
        if (fails) throw new LarderError('REPOSITORY_UNREACHABLE', 'the cable was pulled');
      };
    },
  });
}

describe.each([
  ['none', 1],
  ['done', 4],
] as const)('a store that fails in a removal (effect: %s)', (effect, step) => {
  test('at any of them leaves every backup that there is whole, and the next run ends what it began', async () => {
    let failures = 0;
    for (; ; failures += step) {
      const repository = await nextCopy();
      const broken = { ...repository, store: failingAt(repository.store, failures, effect) };
      const outcome = await pruneAged(broken, { on: DAY }).then(
        () => 'done',
        (error: unknown) => (error as LarderError).code,
      );
      await expectPrefix(repository);
      await expectFinishes(repository);
      await rm(repository.location.directory, { recursive: true });
      if (outcome === 'done') break;
      expect(outcome).toBe('REPOSITORY_UNREACHABLE');
    }
    process.stdout.write(`of some ${failures} removals every ${step}. failed once\n`);
    expect(failures).toBeGreaterThan(40);
  }, 300_000);
});

test('what every one of these leaves behind verifies, and the newest of it restores', async () => {
  const repository = await nextCopy();
  await failureOf(pruneAged({ ...repository, store: failingAt(repository.store, 9, 'none') }, { on: DAY }));
  await expectFinishes(repository);
  for (const backup of (await readCatalogue(repository.store)).backups) {
    const { findings } = await verify(repository, backup);
    expect([backup.id, findings]).toEqual([backup.id, []]);
  }
  await using copy = await restoreAndStart(repository, aged.backups.februaryNext);
  expect(await copy.query('SELECT count(*)::int AS n FROM t')).toEqual([{ n: aged.rows.februaryNext }]);
}, 120_000);
