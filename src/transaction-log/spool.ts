import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { LarderError, systemErrorCode } from '../errors.ts';
import { isProvablyAlive, type ProcessIdentity } from '../process-identity.ts';

const description = z.strictObject({
  repositoryId: z.string(),
  systemIdentifier: z.string(),
  major: z.number().int(),
  segmentSize: z.number().int(),
});

/** Whose WAL lies in a spool: without it, nobody could store what a receiver left when the server is gone too. */
export type SpoolDescription = z.infer<typeof description>;

const holder = z.looseObject({
  host: z.string(),
  pid: z.number(),
  bootId: z.string().optional(),
  pidNamespace: z.string().optional(),
  processStart: z.string().optional(),
});

const LOCK = 'receiver.lock';
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
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /**
   * Makes the directory, mode 0700, and takes it for this process.
   * @throws LarderError LEASE_HELD when another receiver has it; STATE_NOT_WRITABLE
   */
  static async open(directory: string, self: ProcessIdentity): Promise<Spool> {
    const spool = new Spool(directory);
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await spool.#lock(self);
      return spool;
    } catch (error) {
      if (error instanceof LarderError) throw error;
      throw spoolFailure(directory, error);
    }
  }

  /** Whether a receiver certainly has it now; nothing is taken or made. */
  static async holder(directory: string, self: ProcessIdentity): Promise<ProcessIdentity | undefined> {
    const found = await readHolder(join(directory, LOCK));
    return found !== undefined && isProvablyAlive(found, self) ? found : undefined;
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
  async publish(name: string, text: string): Promise<void> {
    const path = join(this.directory, name);
    await writeFile(`${path}.new`, text, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  /** Lets another process have it. */
  async close(): Promise<void> {
    await unlessAbsent(unlink(join(this.directory, LOCK)));
  }

  async #lock(self: ProcessIdentity): Promise<void> {
    const path = join(this.directory, LOCK);
    for (let attempt = 0; attempt < 5; attempt++) {
      if (await createExclusively(path, `${JSON.stringify(self)}\n`)) return;
      const found = await readHolder(path);
      if (found !== undefined && isProvablyAlive(found, self)) {
        throw new LarderError(
          'LEASE_HELD',
          `a receiver (process ${found.pid}) is running on ${this.directory}`,
          {
            hint: 'One receiver for a cluster is enough; stop that one first.',
          },
        );
      }
      await unlessAbsent(unlink(path));
    }
    throw new LarderError('LEASE_HELD', `other receivers keep taking ${this.directory}`);
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

async function createExclusively(path: string, text: string): Promise<boolean> {
  try {
    const handle = await open(path, 'wx', 0o600);
    await handle.writeFile(text).finally(() => handle.close());
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function readHolder(path: string): Promise<ProcessIdentity | undefined> {
  const text = await unlessAbsent(readFile(path, 'utf8'));
  const parsed = holder.safeParse(parseJson(text ?? ''));
  return parsed.success ? parsed.data : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function unlessAbsent<T>(pending: Promise<T>): Promise<T | undefined> {
  try {
    return await pending;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
