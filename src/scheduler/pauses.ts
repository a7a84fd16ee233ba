import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { LarderError, systemErrorCode } from '../errors.ts';
import { TASKS, type Task } from '../jobs/job.ts';

/** Until when a schedule starts nothing. What is asked for by hand runs all the same. */
export interface Pause {
  readonly cluster: string;
  readonly task: Task;
  /** Milliseconds since 1970 UTC. */
  readonly until: number;
}

/** Longer, and it would be forgotten: whoever wants no backups takes the schedule out of the configuration. */
const LONGEST_MS = 31 * 86_400_000;

const stored = z.array(
  z.object({
    cluster: z.string(),
    task: z.enum(TASKS),
    until: z.iso.datetime().transform((text) => Date.parse(text)),
  }),
);

/** Pauses of schedules, in `pauses.json` of the state directory. Every one ends by itself. */
export class Pauses {
  readonly #path: string;
  #pauses: readonly Pause[];

  private constructor(path: string, pauses: readonly Pause[]) {
    this.#path = path;
    this.#pauses = pauses;
  }

  /** Pauses that cannot be read are none: then what is due runs. Throws STATE_NOT_WRITABLE where the directory cannot be read. */
  static async open(directory: string): Promise<Pauses> {
    const path = join(directory, 'pauses.json');
    try {
      return new Pauses(path, decode(await readFile(path, 'utf8')));
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return new Pauses(path, []);
      throw notWritable(path, error);
    }
  }

  /** Resolves when it is on disk. Throws USAGE for an end that is past or more than 31 days away, and STATE_NOT_WRITABLE. */
  async pause(pause: Pause, now: number): Promise<void> {
    if (pause.until <= now || pause.until > now + LONGEST_MS) {
      throw new LarderError('USAGE', 'a pause ends in the future, and within 31 days');
    }
    await this.#write([...this.#others(pause).filter(({ until }) => until > now), pause]);
  }

  /** Ends a pause before its time; nothing happens where there is none. Throws STATE_NOT_WRITABLE. */
  async resume(pause: Pick<Pause, 'cluster' | 'task'>): Promise<void> {
    await this.#write(this.#others(pause));
  }

  /** When the pause ends, in milliseconds since 1970 UTC; undefined where the schedule is not paused. */
  pausedUntil(cluster: string, task: Task, now: number): number | undefined {
    const found = this.#pauses.find((each) => each.cluster === cluster && each.task === task);
    return found === undefined || found.until <= now ? undefined : found.until;
  }

  #others({ cluster, task }: Pick<Pause, 'cluster' | 'task'>): Pause[] {
    return this.#pauses.filter((each) => each.cluster !== cluster || each.task !== task);
  }

  async #write(pauses: readonly Pause[]): Promise<void> {
    const text = JSON.stringify(
      pauses.map((pause) => ({ ...pause, until: new Date(pause.until).toISOString() })),
    );
    try {
      await writeFile(`${this.#path}.new`, `${text}\n`, { mode: 0o600, flush: true });
      await rename(`${this.#path}.new`, this.#path);
    } catch (error) {
      throw notWritable(this.#path, error);
    }
    this.#pauses = pauses;
  }
}

function decode(text: string): readonly Pause[] {
  try {
    return stored.safeParse(JSON.parse(text)).data ?? [];
  } catch {
    return [];
  }
}

function notWritable(path: string, cause: unknown): LarderError {
  const why = Error.isError(cause) ? cause.message : String(cause);
  return new LarderError('STATE_NOT_WRITABLE', `${path} cannot be used: ${why}`, { cause });
}
