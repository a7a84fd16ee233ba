import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import {
  backUp,
  makeScratch,
  repositoryAt,
  restoreAndStart,
  type Scratch,
} from '../../support/backup-runner.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';
import { until } from '../../support/until.ts';

/** Long enough for a server to start the worker of a subscription, which takes it a few tens of milliseconds. */
const PATIENCE = 3_000;

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch();
});
afterAll(async () => scratch[Symbol.asyncDispose]());

const rowsOf = async ({ query }: Pick<TestServer, 'query'>) =>
  (await query('SELECT id FROM orders ORDER BY id')).map(({ id }) => id);

test('a copy of a subscriber leaves the changes that its publisher keeps to the original', async () => {
  const quiet = { autovacuum: 'off' };
  await using publisher = await startServer({ major: 18, settings: { ...quiet, wal_level: 'logical' } });
  await publisher.query('CREATE TABLE orders (id int PRIMARY KEY)');
  await publisher.query('CREATE PUBLICATION everything FOR ALL TABLES');
  await using subscriber = await startServer({ major: 18, settings: quiet });
  await subscriber.query('CREATE TABLE orders (id int PRIMARY KEY)');
  await subscriber.query(
    `CREATE SUBSCRIPTION here CONNECTION 'host=${publisher.socketDirectory} user=postgres dbname=postgres' PUBLICATION everything`,
  );
  await publisher.query('INSERT INTO orders VALUES (1)');
  await until(async () => (await rowsOf(subscriber)).length === 1);
  const repository = repositoryAt(join(scratch.path, 'backups'));
  const backup = await backUp(repository, subscriber.connection);
  // away for a moment: the slot is anybody's
  await subscriber.halt();
  await publisher.query('INSERT INTO orders VALUES (2)');
  {
    await using copy = await restoreAndStart(repository, backup);
    await new Promise((resolve) => setTimeout(resolve, PATIENCE));
    expect(await rowsOf(copy)).toEqual([1]);
  }
  await subscriber.restart();
  await until(async () => (await rowsOf(subscriber)).length === 2);
  expect(await rowsOf(subscriber)).toEqual([1, 2]);
}, 90_000);
