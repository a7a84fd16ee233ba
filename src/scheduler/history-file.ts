import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorCode } from '../errors.ts';

/** A compaction takes milliseconds: a temporary file older than this was left by a process that died. */
const ABANDONED_AFTER_MS = 10 * 60_000;

/**
 * Appends lines in one write, so that those of two processes never mix, and resolves when they are on disk.
 * Throws the file system's error.
 */
export async function appendLines(path: string, lines: readonly string[]): Promise<void> {
  for (;;) {
    const file = await openForAppend(path);
    try {
      const bytes = Buffer.from(`${(await isTorn(file)) ? '\n' : ''}${lines.join('\n')}\n`);
      const { bytesWritten } = await file.write(bytes);
      if (bytesWritten < bytes.length) throw new Error('the disk took only a part of the line');
      await file.sync();
      // a compaction may have put another file in this one's place meanwhile
      if ((await file.stat()).ino === (await stat(path)).ino) return;
    } finally {
      await file.close();
    }
  }
}

/** Makes the file (0600) and its name durable. Throws the file system's error. */
export async function createFile(path: string): Promise<void> {
  const file = await openForAppend(path);
  await file.close();
  await syncDirectoryOf(path);
}

/**
 * Replaces the file's text by the lines `shorten` makes of it; leaves it alone where that gives undefined or where
 * another process is at it. Lines that others append to the old file after it was read are carried over; what they
 * append after that, they find in the wrong file and write again (see appendLines). `now` is in milliseconds.
 * @returns false where another process is at it
 * @throws the file system's error
 */
export async function compactFile(
  path: string,
  now: number,
  shorten: (text: string) => readonly string[] | undefined,
): Promise<boolean> {
  const temporary = `${path}.compacting`;
  // held before anything is read: two compactions would each drop what was appended to the other's result
  const target = await openExclusively(temporary, now);
  if (target === undefined) return false;
  const source = await open(path, constants.O_RDONLY);
  try {
    const lines = shorten(await source.readFile('utf8'));
    if (lines === undefined) {
      await unlink(temporary);
      return true;
    }
    await target.appendFile(`${lines.join('\n')}\n`);
    await target.sync();
    await rename(temporary, path);
    await syncDirectoryOf(path);
    const late = (await source.readFile('utf8')).split('\n').filter((line) => line !== '');
    if (late.length > 0) await appendLines(path, late);
    return true;
  } finally {
    await source.close();
    await target.close();
  }
}

async function openForAppend(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600);
}

/** A crash or a full disk can leave half a line, which must not swallow the next one. */
async function isTorn(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return false;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] !== 0x0a;
}

/** Undefined if another process has the file; one that was left behind is removed for the next time. */
async function openExclusively(path: string, now: number): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
    const { mtimeMs } = await stat(path);
    if (now - mtimeMs > ABANDONED_AFTER_MS) await unlink(path);
    return undefined;
  }
}

async function syncDirectoryOf(path: string): Promise<void> {
  const directory = await open(dirname(path), constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
