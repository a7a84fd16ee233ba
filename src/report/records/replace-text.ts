import { mkdir, open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorCode } from '../../errors.ts';
import { syncPath } from '../../restore/durable.ts';

/** Others than Larder read the file: it is in a repository of documents. */
const MODE = 0o644;

/**
 * Puts what `change` makes of a file's text in its place: whole or not at all, durable, its mode and a link to it kept.
 * @param change is given undefined where there is no file yet
 * @throws the file system's error
 */
export async function replaceText(path: string, change: (text: string | undefined) => string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const target = await unlessAbsent(realpath(path), path);
  const text = await unlessAbsent(readFile(target, 'utf8'), undefined);
  const mode = (await unlessAbsent(stat(target), undefined))?.mode ?? MODE;
  const temporary = `${target}.${process.pid}.new`;
  try {
    const file = await open(temporary, 'w', mode & 0o777);
    try {
      // the process's umask cut it
      await file.chmod(mode & 0o777);
      await file.writeFile(change(text));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncPath(dirname(target));
}

async function unlessAbsent<T, U>(read: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await read;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return otherwise;
    throw error;
  }
}
