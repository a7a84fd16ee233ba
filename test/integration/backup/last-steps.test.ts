import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { LarderError } from '../../../src/errors.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import type { Scratch, TestRepository } from '../../support/backup-runner.ts';
import {
  backUp,
  failureOf,
  makeScratch,
  objectsOf,
  repositoryAt,
  verify,
} from '../../support/backup-runner.ts';
import type { TestServer } from '../../support/postgres-server.ts';
import { startServer } from '../../support/postgres-server.ts';

let scratch: Scratch;
let server: TestServer;
let repository: TestRepository;
let before: string[];

beforeAll(async () => {
  scratch = await makeScratch();
  repository = repositoryAt(join(scratch.path, 'backups'));
  server = await startServer({ major: 17 });
  await backUp(repository, server.connection);
  before = await objectsOf(repository);
}, 60_000);
afterAll(async () => {
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});
afterEach(async () => {
  expect(await objectsOf(repository)).toEqual(before);
  const next = await backUp(repository, server.connection);
  expect((await verify(repository, next)).findings).toEqual([]);
  before = await objectsOf(repository);
}, 30_000);

/** The same repository through a store of which some calls are others. */
function withCalls(calls: Partial<ObjectStore>): TestRepository {
  const store = new Proxy(repository.store, {
    get: (target, name) => {
      const own = Object.hasOwn(calls, name) ? calls : target;
      const value: unknown = Reflect.get(own, name);
      return typeof value === 'function' ? (value.bind(own) as unknown) : value;
    },
  });
  return { location: repository.location, store };
}

const outage = () => new LarderError('REPOSITORY_UNREACHABLE', 'the network is down');

/** All packs are durable by then, the commit record is not there yet: nothing counts, nothing is left. */
describe('a backup whose packs are stored', () => {
  test('and whose manifest cannot be is given up and removed', async () => {
    const flaky = withCalls({
      create: (name) =>
        name.endsWith('/manifest') ? Promise.reject(outage()) : repository.store.create(name),
    });
    expect((await failureOf(backUp(flaky, server.connection))).message).toBe('the network is down');
  }, 30_000);

  test('and whose commit record cannot be is given up and removed', async () => {
    const flaky = withCalls({
      putIfAbsent: (name, bytes) =>
        name.endsWith('.meta') ? Promise.reject(outage()) : repository.store.putIfAbsent(name, bytes),
    });
    expect((await failureOf(backUp(flaky, server.connection))).message).toBe('the network is down');
  }, 30_000);

  test('and of which somebody removes one is not committed, and the object is named', async () => {
    let removed = '';
    const flaky = withCalls({
      create: async (name) => {
        if (name.endsWith('/manifest')) {
          removed = name.replace('/manifest', '/data-00001.pack');
          await repository.store.delete(removed);
        }
        return repository.store.create(name);
      },
    });
    const error = await failureOf(backUp(flaky, server.connection));
    expect(error).toMatchObject({ code: 'BACKUP_INCOMPLETE', retryable: true });
    expect(error.message).toContain(removed);
    expect(error.hint).toContain('lifecycle rule');
  }, 30_000);
});
