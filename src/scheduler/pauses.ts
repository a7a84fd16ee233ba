import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { LarderError, systemErrorCode } from '../errors.ts';
import { TASKS, type Task } from '../jobs/job.ts';

/** Until when a schedule starts nothing. What is asked for by hand runs all the same. Times are milliseconds since 1970 UTC. */
export interface Pause {
  readonly cluster: string;
  readonly task: Task;
  readonly since: number;
  readonly until: number;
  readonly reason: string;
  /** As the audit trail names them. */
  readonly by: string;
}

/** Which schedule a pause is of. */
export type PausedSchedule = Pick<Pause, 'cluster' | 'task'>;

/** Longer, and it would be forgotten: whoever wants no backups takes the schedule out of the configuration. */
const LONGEST_MS = 31 * 86_400_000;
const LONGEST_REASON = 500;

const time = z.iso.datetime().transform((text) => Date.parse(text));
const stored = z.object({
  cluster: z.string(),
  task: z.enum(TASKS),
  since: time,
  until: time,
  reason: z.string(),
  by: z.string(),
});

/**
 * Pauses of schedules: a file for each in `pauses/` of the state directory, so that commands and the service write at the same time
 * and neither undoes what the other did. Every one ends by itself.
 */
export class Pauses {
  readonly #directory: string;

  constructor(stateDirectory: string) {
    this.#directory = join(stateDirectory, 'pauses');
  }

  /**
   * Those in force at `now`. One that cannot be understood is none: then what is due runs.
   * @throws LarderError STATE_NOT_WRITABLE where the directory cannot be read
   */
  async read(now: number): Promise<Pause[]> {
    try {
      const names = (await readdir(this.#directory)).filter((name) => name.endsWith('.json')).sort();
      const found = await Promise.all(names.map((name) => this.#readOne(name)));
      return found.flatMap((pause) => (pause !== undefined && pause.until > now ? [pause] : []));
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return [];
      throw notWritable(this.#directory, error);
    }
  }

  /**
   * Begins a pause, in the place of one that there is; resolves when it is on disk.
   * @throws LarderError USAGE for an end that is past or more than 31 days away, and without a reason; STATE_NOT_WRITABLE
   */
  async pause(pause: Pause): Promise<void> {
    assertValid(pause);
    const path = join(this.#directory, fileName(pause));
    const text = JSON.stringify({ ...pause, since: iso(pause.since), until: iso(pause.until) });
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      await writeFile(`${path}.${process.pid}`, `${text}\n`, { mode: 0o600, flush: true });
      await rename(`${path}.${process.pid}`, path);
    } catch (error) {
      throw notWritable(path, error);
    }
  }

  /**
   * Ends a pause before its time.
   * @returns false where there was none in force
   * @throws LarderError STATE_NOT_WRITABLE
   */
  async resume(schedule: PausedSchedule, now: number): Promise<boolean> {
    const name = fileName(schedule);
    try {
      const pause = await this.#readOne(name);
      await rm(join(this.#directory, name), { force: true });
      return pause !== undefined && pause.until > now;
    } catch (error) {
      throw notWritable(join(this.#directory, name), error);
    }
  }

  /** Undefined where it is gone, or not understood. */
  async #readOne(name: string): Promise<Pause | undefined> {
    try {
      const pause = stored.safeParse(JSON.parse(await readFile(join(this.#directory, name), 'utf8'))).data;
      return pause !== undefined && fileName(pause) === name ? pause : undefined;
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === undefined || code === 'ENOENT') return undefined;
      throw error;
    }
  }
}

function fileName({ cluster, task }: PausedSchedule): string {
  return `${cluster}.${task}.json`;
}

function assertValid({ since, until, reason }: Pause): void {
  if (until <= since || until > since + LONGEST_MS) {
    throw new LarderError('USAGE', 'a pause ends in the future, and within 31 days');
  }
  if (reason.trim() === '' || reason.length > LONGEST_REASON) {
    throw new LarderError('USAGE', `a pause needs a reason of 1 to ${LONGEST_REASON} characters`);
  }
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function notWritable(path: string, cause: unknown): LarderError {
  const why = Error.isError(cause) ? cause.message : String(cause);
  return new LarderError('STATE_NOT_WRITABLE', `${path} cannot be used: ${why}`, {
    hint: 'Give Larder a state directory that it owns, on a disk with free space.',
    cause,
  });
}
