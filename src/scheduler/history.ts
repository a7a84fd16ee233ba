import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { LarderError, systemErrorCode } from '../errors.ts';
import { appendLines, compactFile, createFile } from './history-file.ts';
import { isProvablyAlive, readProcessIdentity } from '../process-identity.ts';
import type { RunRecord } from './run-record.ts';
import { decodeRun, encodeRun } from './run-record.ts';

/** How many runs a compaction keeps. */
const KEPT_RUNS = 1000;

/** What is on record of runs. */
export interface History {
  /** Resolves when the record is durable. Throws STATE_NOT_WRITABLE; an end is then still known to `runs`. */
  append(record: RunRecord): Promise<void>;
  /**
   * Every run, in the order in which they were first put on record; one without an end whose process is dead is
   * `interrupted`. Throws STATE_NOT_WRITABLE.
   */
  runs(): Promise<RunRecord[]>;
}

/**
 * The runs of one state directory, as JSON lines in `runs.jsonl`. A run has a line when it is asked for, when it starts,
 * when it goes on after a failed attempt, and when it ends; the last one counts, and no other after the end. The daemon
 * and commands may append at the same time.
 */
export class RunHistory implements History {
  readonly #directory: string;
  readonly #path: string;
  /** Ends that the disk refused: counted as long as this process lives, written with the next record. */
  #unwritten: RunRecord[] = [];
  /** What the file held when it was last read, and which file in which state that was. */
  #known: { readonly state: string; readonly records: readonly RunRecord[] } | undefined;

  private constructor(directory: string) {
    this.#directory = directory;
    this.#path = join(directory, 'runs.jsonl');
  }

  /**
   * Makes the directory (0700) if need be and drops all but the newest 1000 runs.
   * Throws STATE_NOT_WRITABLE.
   */
  static async open(directory: string, clock: Clock): Promise<RunHistory> {
    const history = new RunHistory(directory);
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await createFile(history.#path);
      await compactFile(history.#path, clock.now(), newest);
    } catch (error) {
      throw notWritable(directory, error);
    }
    return history;
  }

  async append(record: RunRecord): Promise<void> {
    const records = [...this.#unwritten, record];
    try {
      await appendLines(this.#path, records.map(encodeRun));
      this.#unwritten = this.#unwritten.filter((other) => !records.includes(other));
    } catch (error) {
      if (record.ended !== undefined) this.#unwritten.push(record);
      throw notWritable(this.#directory, error);
    }
  }

  async runs(): Promise<RunRecord[]> {
    const onDisk = await this.#read();
    return fold([...onDisk, ...this.#unwritten]).map(interruptedIfDead);
  }

  /** The scheduler asks twice a minute, and rarely is there anything new. */
  async #read(): Promise<readonly RunRecord[]> {
    try {
      const { ino, size, mtimeMs } = await stat(this.#path);
      const state = `${ino} ${size} ${mtimeMs}`;
      if (this.#known?.state !== state) {
        this.#known = { state, records: fold(decodeRuns(await readFile(this.#path, 'utf8'))) };
      }
      return this.#known.records;
    } catch (error) {
      // local state can be deleted at any time
      if (systemErrorCode(error) === 'ENOENT') return [];
      throw notWritable(this.#directory, error);
    }
  }
}

function newest(text: string): string[] | undefined {
  const runs = fold(decodeRuns(text));
  return runs.length > KEPT_RUNS ? runs.slice(-KEPT_RUNS).map(encodeRun) : undefined;
}

function decodeRuns(text: string): RunRecord[] {
  return text
    .split('\n')
    .map(decodeRun)
    .filter((record) => record !== undefined);
}

/** In the order of the first lines: clocks jump, the order of lines does not. */
function fold(records: readonly RunRecord[]): RunRecord[] {
  const byId = new Map<string, RunRecord>();
  for (const record of records) {
    // a compaction may write a start again, after its end
    if (record.ended !== undefined || byId.get(record.id)?.ended === undefined) byId.set(record.id, record);
  }
  return [...byId.values()];
}

function interruptedIfDead(record: RunRecord): RunRecord {
  if (record.ended !== undefined || isProvablyAlive(record.process, readProcessIdentity())) return record;
  return { ...record, result: 'interrupted' };
}

function notWritable(directory: string, cause: unknown): LarderError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LarderError('STATE_NOT_WRITABLE', `the run history in ${directory} cannot be used: ${why}`, {
    hint: 'Give Larder a state directory that it owns, on a disk with free space.',
    cause,
  });
}
