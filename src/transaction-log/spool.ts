import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import type { Clock } from '../clock.ts';
import { LarderError, systemErrorCode } from '../errors.ts';
import type { ProcessIdentity } from '../process-identity.ts';
import { syncDirectory } from '../storage/filesystem/directory-tree.ts';
import { findHolder, releaseLock, takeLock, unlessAbsent } from './spool-lock.ts';

const description = z.strictObject({
  repositoryId: z.string(),
  systemIdentifier: z.string(),
  major: z.number().int(),
  segmentSize: z.number().int(),
});

/** Whose WAL lies in a spool: without it, nobody could store what a receiver left when the server is gone too. */
export type SpoolDescription = z.infer<typeof description>;

const DESCRIPTION = 'spool.json';
const SEGMENT = /^[0-9A-F]{24}$/;

/** A segment file, or the beginning of one. */
export interface SpooledFile {
  readonly name: string;
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

/**
 * The directory on local disk where WAL is durable before it is stored in the repository. One process has it at a time.
 * Files are named like segments and hold the segment from its first byte on.
 */
export class Spool {
  #published: Promise<void> = Promise.resolve();
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /**
   * Makes the directory, mode 0700, and takes it for this process.
   * @throws LarderError LEASE_HELD when another receiver has it; STATE_NOT_WRITABLE
   */
  static async open(directory: string, self: ProcessIdentity, clock: Clock): Promise<Spool> {
    const spool = new Spool(directory);
    try {
      await makeDurableDirectory(directory);
      await takeLock(directory, self, clock);
      return spool;
    } catch (error) {
      if (error instanceof LarderError) throw error;
      throw spoolFailure(directory, error);
    }
  }

  /** The receiver that has it now; nothing is taken or made. */
  static holder(
    directory: string,
    self: ProcessIdentity,
    clock: Clock,
  ): Promise<ProcessIdentity | undefined> {
    return findHolder(directory, self, clock);
  }

  async describe(): Promise<SpoolDescription | undefined> {
    const text = await unlessAbsent(readFile(join(this.directory, DESCRIPTION), 'utf8'));
    if (text === undefined) return undefined;
    const parsed = description.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw new LarderError('STATE_NOT_WRITABLE', `${join(this.directory, DESCRIPTION)} cannot be read`, {
      hint: 'Move the directory away and keep it: it may hold WAL that is nowhere else.',
    });
  }

  /** Says whose WAL comes next. Only an empty spool may change its owner. */
  async begin(wanted: SpoolDescription): Promise<void> {
    const found = await this.describe();
    if (found !== undefined && JSON.stringify(found) === JSON.stringify(wanted)) return;
    if (found !== undefined && (await this.files()).length > 0) {
      throw new LarderError(
        'REPOSITORY_OTHER_CLUSTER',
        `the spool ${this.directory} holds WAL of another cluster`,
        {
          hint: 'Run "larder wal receive" with the configuration it was written with, or move the directory away.',
        },
      );
    }
    await this.#write(DESCRIPTION, `${JSON.stringify(wanted)}\n`);
  }

  /** What it holds, oldest first. */
  async files(): Promise<SpooledFile[]> {
    const files: SpooledFile[] = [];
    for (const name of (await readdir(this.directory)).filter((entry) => SEGMENT.test(entry)).sort()) {
      const path = this.path(name);
      files.push({ name, path, size: (await stat(path)).size });
    }
    return files;
  }

  path(segmentName: string): string {
    return join(this.directory, segmentName);
  }

  async remove(segmentName: string): Promise<void> {
    await unlessAbsent(unlink(this.path(segmentName)));
  }

  /** Writes a small file whole, in place of any older one; readers never see half of it. It need not outlive a crash. */
  publish(name: string, text: string): Promise<void> {
    // one after the other: two at once would take each other's temporary file away
    const published = this.#published.then(async () => {
      const path = join(this.directory, name);
      await writeFile(`${path}.new`, text, { mode: 0o600 });
      await rename(`${path}.new`, path);
    });
    this.#published = published.catch(() => undefined);
    return published;
  }

  /** Lets another process have it. */
  async close(): Promise<void> {
    await releaseLock(this.directory);
  }

  async #write(name: string, text: string): Promise<void> {
    const path = join(this.directory, name);
    const temporary = `${path}.new`;
    const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  }
}

/** What refuses a spool, as an error that says what to do. */
export function spoolFailure(directory: string, error: unknown): LarderError {
  const reason = Error.isError(error) ? error.message : String(error);
  const full = systemErrorCode(error) === 'ENOSPC' || systemErrorCode(error) === 'EDQUOT';
  return new LarderError('STATE_NOT_WRITABLE', `the spool ${directory} cannot be written: ${reason}`, {
    hint: full
      ? 'Make room on its file system; the server keeps the WAL meanwhile.'
      : 'Give Larder the right to write there, or set LARDER_STATE_DIR.',
    cause: error,
  });
}

/** The directory with its entry in every directory made for it: what is acknowledged must not vanish with its place. */
async function makeDurableDirectory(directory: string): Promise<void> {
  const first = (await mkdir(directory, { recursive: true, mode: 0o700 })) ?? directory;
  for (let path = directory; ; path = dirname(path)) {
    await syncDirectory(dirname(path)).catch((error: unknown) => {
      // not ours to read; then nothing of ours was made in it either
      if (systemErrorCode(error) !== 'EACCES') throw error;
    });
    if (path === first || path === dirname(path)) return;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
