import { existsSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { majors, startServer } from '../../support/postgres-server.ts';

describe.each(majors)('PostgreSQL %i', (major) => {
  test('starts, answers through the unix socket, stops and leaves nothing', async () => {
    const server = await startServer({ major });
    const rows = await server.query('SHOW server_version_num');
    expect(Math.floor(Number(rows[0]!['server_version_num']) / 10_000)).toBe(major);
    await server.stop();
    expect(existsSync(server.dataDirectory)).toBe(false);
    expect(() => process.kill(server.processId, 0)).toThrow('ESRCH');
  }, 60_000);
});
