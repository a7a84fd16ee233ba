import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import {
  backUp,
  makeScratch,
  repositoryAt,
  restoreAndStart,
  verify,
  type Scratch,
} from '../../support/backup-runner.ts';
import { majors, startServer, type TestServer } from '../../support/postgres-server.ts';

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch();
});
afterAll(async () => scratch[Symbol.asyncDispose]());

const CONTENT =
  "SELECT count(*)::int AS rows, md5(string_agg(id || ':' || filler, ',' ORDER BY id)) AS hash FROM meals";

async function contentOf(server: Pick<TestServer, 'query'>): Promise<Record<string, unknown>> {
  const [row] = await server.query(CONTENT);
  return row ?? {};
}

const ways = [
  ...majors.map((major) => ({ major, changesFrom: 'comparison' }) as const),
  ...([17, 18] as const).map((major) => ({ major, changesFrom: 'server' }) as const),
];

describe.each(ways)(
  'PostgreSQL $major: an incremental backup, changes from the $changesFrom,',
  ({ major, changesFrom }) => {
    test('stores what changed, restores as a whole, and builds on the one before it', async () => {
      const settings = changesFrom === 'server' ? { summarize_wal: 'on' } : {};
      await using server = await startServer({ major, settings });
      const repository = repositoryAt(join(scratch.path, `backups-${major}-${changesFrom}`));
      await server.query(
        `CREATE TABLE meals (id int PRIMARY KEY, filler text);
       INSERT INTO meals SELECT g, repeat(md5(g::text), 4) FROM generate_series(1, 60000) g;`,
      );
      const full = await backUp(repository, server.connection, { changesFrom });
      await server.query("UPDATE meals SET filler = 'changed' WHERE id % 997 = 0");
      const first = await backUp(repository, server.connection, { type: 'incremental', changesFrom });
      const afterFirst = await contentOf(server);
      await server.query('DELETE FROM meals WHERE id > 30000');
      await server.query('VACUUM meals');
      const second = await backUp(repository, server.connection, { type: 'incremental', changesFrom });
      const afterSecond = await contentOf(server);

      expect(first).toMatchObject({ type: 'incremental', parent: full.id, chain: full.id });
      expect(second).toMatchObject({ type: 'incremental', parent: first.id, chain: full.id });
      expect(first.storedBytes).toBeLessThan(full.storedBytes / 2);
      for (const [backup, content] of [
        [first, afterFirst],
        [second, afterSecond],
      ] as const) {
        expect((await verify(repository, backup)).findings).toEqual([]);
        await using copy = await restoreAndStart(repository, backup);
        expect(await contentOf(copy)).toEqual(content);
      }
    }, 120_000);
  },
);
