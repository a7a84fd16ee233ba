import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { changedBytes, digestCluster } from '../../../bench/incremental/changed-bytes.ts';

const BLOCK = 8192;

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'larder-digests-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function put(path: string, ...blocks: readonly string[]): Promise<void> {
  const file = join(directory, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, Buffer.concat(blocks.map((fill) => Buffer.alloc(BLOCK, fill))));
}

test('a block counts when it differs at its place, not when it only lies elsewhere', async () => {
  await put('base/5/1', 'a', 'b', 'c');
  await put('base/5/2', 'x');
  const before = await digestCluster(directory);
  await put('base/5/1', 'b', 'b', 'd');
  expect(changedBytes(before, await digestCluster(directory))).toBe(2 * BLOCK);
  expect(changedBytes(before, before)).toBe(0);
});

test('what a file grew by counts with its own length, and what it lost does not', async () => {
  await put('base/5/1', 'a', 'b', 'c');
  await put('global/pg_filenode.map', 'm');
  const before = await digestCluster(directory);
  await put('base/5/1', 'a');
  await truncate(join(directory, 'base/5/1'), BLOCK + 100);
  await truncate(join(directory, 'global/pg_filenode.map'), 512);
  expect(changedBytes(before, await digestCluster(directory))).toBe(100 + 512);
});

test('a file that is new counts whole', async () => {
  await put('base/5/1', 'a');
  const before = await digestCluster(directory);
  await put('base/5/2', 'a', 'a');
  expect(changedBytes(before, await digestCluster(directory))).toBe(2 * BLOCK);
});

test('a file of more blocks than are read at once is seen to its end', async () => {
  const blocks = Array.from({ length: 300 }, () => 'a');
  await put('base/5/1', ...blocks);
  const before = await digestCluster(directory);
  await put('base/5/1', ...blocks.with(299, 'b').with(128, 'c'));
  expect(changedBytes(before, await digestCluster(directory))).toBe(2 * BLOCK);
});

test('the log and what no base backup sends are left out', async () => {
  await put('pg_wal/000000010000000000000001', 'w');
  await put('pg_replslot/slot/state', 's');
  await put('pg_subtrans/0000', 's');
  await put('base/5/pg_internal.init', 'i');
  await put('base/pgsql_tmp/pgsql_tmp7.0', 't');
  await put('postmaster.pid', 'p');
  await put('pg_xact/0000', 'x');
  expect([...(await digestCluster(directory)).keys()]).toEqual(['pg_xact/0000']);
});
