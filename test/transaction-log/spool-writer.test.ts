import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { closeSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { readProcessIdentity } from '../../src/process-identity.ts';
import { Spool } from '../../src/transaction-log/spool.ts';
import { SpoolWriter } from '../../src/transaction-log/spool-writer.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';

const SIZE = 1024 * 1024;
const START = 16n * BigInt(SIZE);

let directory: TemporaryDirectory;
let spool: Spool;
let writer: SpoolWriter;
let finished: string[];

beforeEach(async () => {
  directory = await temporaryDirectory();
  spool = await Spool.open(join(directory.path, 'spool'), readProcessIdentity(), systemClock);
  finished = [];
  writer = new SpoolWriter({
    spool,
    timeline: 1,
    start: START,
    segmentSize: SIZE,
    clock: systemClock,
    awaited: () => false,
    onFinished: (_, name) => finished.push(name),
  });
});
afterEach(async () => {
  await writer.close();
  await spool.close();
  await directory[Symbol.asyncDispose]();
});

const write = (bytes: number) => writer.write(Buffer.alloc(bytes, 1), 0, bytes);
const at = (segments: number) => START + BigInt(Math.round(segments * SIZE));
/** Segment files that this process has open. */
const openFiles = () =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    const path = linkOf(fd);
    return path.startsWith(spool.directory) && /\/[0-9A-F]{24}$/.test(path) ? [{ fd: Number(fd) }] : [];
  });
/** Empty for a descriptor that was closed since it was listed. */
function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

test('what is stored needs no flush: its files are closed, and its end counts as durable', () => {
  write(2.5 * SIZE);
  expect([finished.length, openFiles().length, writer.flushed]).toEqual([2, 3, START]);
  writer.stored(at(1));
  expect([openFiles().length, writer.flushed]).toEqual([2, at(1)]);
  expect(writer.unfinished).toBeUndefined();
  // further than was written: another connection had brought it
  writer.stored(at(9));
  expect([openFiles().length, writer.flushed]).toEqual([1, at(2.5)]);
});

test('a flush makes the rest durable, and nothing takes that back', async () => {
  write(1.5 * SIZE);
  await writer.flush();
  expect([openFiles().length, writer.flushed, writer.unfinished?.length]).toEqual([1, at(1.5), SIZE / 2]);
  writer.stored(at(1));
  expect(writer.flushed).toBe(at(1.5));
});

test('behind a flush that failed nothing counts as durable for being stored: it is received again, and compared', async () => {
  write(1.5 * SIZE);
  // as a disk that fails
  for (const { fd } of openFiles()) closeSync(fd);
  await expect(writer.flush()).rejects.toMatchObject({ code: 'STATE_NOT_WRITABLE' });
  writer.stored(at(1));
  expect(writer.flushed).toBe(START);
});

test('a segment that is on its way to the disk while it is stored is closed once', async () => {
  write(0.5 * SIZE);
  const flushing = writer.flush();
  write(1.5 * SIZE);
  writer.stored(at(1));
  expect(openFiles().length).toBe(2);
  await flushing;
  await writer.flush();
  expect([openFiles().length, writer.flushed]).toEqual([0, at(2)]);
});
