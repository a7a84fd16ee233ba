import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startServer, type TestServer } from '../support/postgres-server.ts';
import { killService } from '../support/schedule/service-kills.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ major: 18 });
}, 60_000);
afterAll(() => server.stop());

/** The selection of them that npm test runs is in test/integration/kill. */
test.each(['SIGTERM', 'SIGKILL'] as const)(
  'after %s at random moments the next start goes on unaided, and nothing is lost',
  async (signal) => {
    await using directory = await temporaryDirectory();
    const random = new SeededRandom();
    expect(await killService(server, directory.path, { signal, times: 100, random })).toEqual([]);
  },
  3_600_000,
);
