import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { findInstallation, parsePeerDirectories } from '../../bench/installations.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'larder-peers-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** Peers as they are unpacked, with a program that says which PostgreSQL it is. */
async function unpackPeers(name: string, major: number): Promise<string> {
  const peers = join(directory, name);
  const bin = join(peers, 'usr/lib/postgresql', String(major), 'bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'postgres'), `#!/bin/sh\necho 'postgres (PostgreSQL) ${major}.99'\n`);
  await chmod(join(bin, 'postgres'), 0o755);
  return peers;
}

test('directories of peers are separated by colons, and none are none', () => {
  expect(parsePeerDirectories('/peers/18:/peers/17')).toEqual(['/peers/18', '/peers/17']);
  expect(parsePeerDirectories('/peers/18')).toEqual(['/peers/18']);
  expect(parsePeerDirectories('')).toEqual([]);
  expect(parsePeerDirectories(undefined)).toEqual([]);
});

test('each major version is found with the pgBackRest that was unpacked beside it', async () => {
  const all = [await unpackPeers('a', 18), await unpackPeers('b', 17)];
  const found = await findInstallation(17, all);
  expect(found.binaries).toMatchObject({ major: 17, version: '17.99', origin: 'configured' });
  expect(found.pgBackRest).toBe(join(directory, 'b/usr/bin/pgbackrest'));
});

test("where no peers have the major version, the machine's own is taken, with the pgBackRest of PATH", async () => {
  const found = await findInstallation(17, [await unpackPeers('a', 18)]);
  expect(found.binaries.major).toBe(17);
  expect(found.binaries.origin).not.toBe('configured');
  expect(found.pgBackRest).toBe('pgbackrest');
});
