import { execFile } from 'node:child_process';
import { chown, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestServer } from './postgres-server.ts';
import { until } from './until.ts';

const run = promisify(execFile);

/** Starts a halted server as a standby of nobody and promotes it: its log goes on as a new timeline. */
export async function promote(server: TestServer): Promise<void> {
  const signal = join(server.dataDirectory, 'standby.signal');
  const owner = await stat(server.dataDirectory);
  await writeFile(signal, '');
  await chown(signal, owner.uid, owner.gid);
  await server.restart();
  await server.query('SELECT pg_promote()');
  await until(async () => {
    const [row] = await server.query('SELECT pg_is_in_recovery() AS recovering');
    return row?.['recovering'] === false;
  });
  // the new timeline is what the control file says only after the first checkpoint on it
  await server.query('CHECKPOINT');
}

/** A copy of a halted server's data directory, slots included. */
export async function copyData(server: TestServer, to: string): Promise<void> {
  await run('cp', ['-a', server.dataDirectory, to]);
}

/** Puts a copy in the place of a halted server's data directory. */
export async function putBack(server: TestServer, from: string, aside: string): Promise<void> {
  await run('mv', [server.dataDirectory, aside]);
  await run('mv', [from, server.dataDirectory]);
}
