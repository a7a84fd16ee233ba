import { access, copyFile, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { LarderError, systemErrorCode } from '../errors.ts';
import { appendLines, compactFile, createFile } from './history-file.ts';
import { isProvablyAlive, readProcessIdentity } from '../process-identity.ts';
import { mergeRuns, unknownRuns } from './merge-runs.ts';
import type { RunRecord } from './run-record.ts';
import { encodeRun, readRunLine } from './run-record.ts';

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
   * Makes the directory (0700) if need be and drops all but the newest 1000 runs. A history that is not there, or of which lines
   * cannot be read, is `incomplete` until `fill` was called; what it was is kept beside it, as `runs.jsonl.damaged`.
   * Throws STATE_NOT_WRITABLE.
   */
  static async open(directory: string, clock: Clock): Promise<RunHistory> {
    const history = new RunHistory(directory);
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const isLong = await history.#noteLosses();
      await createFile(history.#path);
      if (isLong) await compactFile(history.#path, clock.now(), newest);
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

  /** Whether runs were lost that the repository may tell of. Throws STATE_NOT_WRITABLE. */
  async isIncomplete(): Promise<boolean> {
    try {
      return await exists(this.#incomplete);
    } catch (error) {
      throw notWritable(this.#directory, error);
    }
  }

  /**
   * Takes in what the repository tells of runs, so that the history is complete again.
   * @returns the runs that were not on record
   * @throws LarderError STATE_NOT_WRITABLE, also while another process writes the file anew
   */
  async fill(found: readonly RunRecord[], clock: Clock): Promise<RunRecord[]> {
    let added: RunRecord[] = [];
    try {
      const isDone = await compactFile(this.#path, clock.now(), (text) => {
        const onRecord = readRuns(text).runs;
        added = unknownRuns(onRecord.map(interruptedIfDead), found);
        return added.length === 0 ? undefined : kept(mergeRuns(onRecord, added));
      });
      if (!isDone) throw new Error('another process writes it anew just now');
      await rm(this.#incomplete, { force: true });
    } catch (error) {
      throw notWritable(this.#directory, error);
    }
    return added;
  }

  get #incomplete(): string {
    return `${this.#path}.incomplete`;
  }

  /**
   * Durable before anything is dropped: a crash must not make an incomplete history look whole.
   * @returns whether the file is to be written anew, shorter
   */
  async #noteLosses(): Promise<boolean> {
    const isThere = await exists(this.#path);
    const { runs, isWhole } = isThere ? readRuns(await readFile(this.#path, 'utf8')) : NOTHING;
    if (isWhole) return runs.length > KEPT_RUNS;
    await createFile(this.#incomplete);
    if (isThere) await copyFile(this.#path, `${this.#path}.damaged`);
    return isThere;
  }

  /** The scheduler asks twice a minute, and rarely is there anything new. */
  async #read(): Promise<readonly RunRecord[]> {
    try {
      const { ino, size, mtimeMs } = await stat(this.#path);
      const state = `${ino} ${size} ${mtimeMs}`;
      if (this.#known?.state !== state) {
        this.#known = { state, records: readRuns(await readFile(this.#path, 'utf8')).runs };
      }
      return this.#known.records;
    } catch (error) {
      // local state can be deleted at any time
      if (systemErrorCode(error) === 'ENOENT') return [];
      throw notWritable(this.#directory, error);
    }
  }
}

/** A file that is not there may have held anything. */
const NOTHING = { runs: [], isWhole: false };

function newest(text: string): string[] | undefined {
  const { runs, isWhole } = readRuns(text);
  return runs.length > KEPT_RUNS || !isWhole ? kept(runs) : undefined;
}

function kept(runs: readonly RunRecord[]): string[] {
  return runs.slice(-KEPT_RUNS).map(encodeRun);
}

/** What stands behind the last line feed may be in the making: it is no loss yet. */
function readRuns(text: string): { readonly runs: readonly RunRecord[]; readonly isWhole: boolean } {
  const lines = text.split('\n').map(readRunLine);
  const runs = fold(lines.flatMap((line) => (line.kind === 'run' ? [line.run] : [])));
  return { runs, isWhole: lines.slice(0, -1).every(({ kind }) => kind !== 'unreadable') };
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
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
