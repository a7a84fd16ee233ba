import { expect } from '@jest/globals';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ClusterFingerprint } from '../../../src/demo/compare-clusters.ts';
import { RESTORED_MARKER } from '../../../src/repository/restored-marker.ts';
import { FILES_RECORD } from '../../../src/restore/delta/files-record.ts';
import { UNFINISHED_MARKER } from '../../../src/restore/unfinished-marker.ts';
import { Moments } from './moments.ts';
import { type Ending, OperationSupply } from './operation-process.ts';
import { Tally } from './tally.ts';
import type { TestBed } from './test-bed.ts';

/** One kill in this many is followed by a restore that is left to end; the others by the next that is killed. */
const RUN_EVERY = 2;
/** One kill in this many is followed by one that is started and compared; all are compared file by file. */
const START_EVERY = 10;

/** Restores one backup into one directory again and again and kills some of them; looks at the directory after each. */
export class RestoreKills {
  readonly moments = new Moments([
    { phase: 'syncing' },
    { phase: 'syncing', sign: () => this.#isNearlyDone() },
    { phase: 'preparing' },
    { phase: 'preparing', sign: () => existsSync(this.#bed.home.dataDirectory) },
    { phase: 'writing' },
  ]);
  readonly #bed: TestBed;
  readonly #supply: OperationSupply;
  readonly #backupId: string;
  readonly #contents: ClusterFingerprint;
  #files: Record<string, string> = {};

  constructor(
    bed: TestBed,
    supply: OperationSupply,
    backup: { readonly id: string; readonly contents: ClusterFingerprint },
  ) {
    this.#bed = bed;
    this.#supply = supply;
    this.#backupId = backup.id;
    this.#contents = backup.contents;
  }

  /** The files a restore makes, and the time that it takes. */
  async prepare(): Promise<void> {
    await this.#restoreToEnd();
    this.#files = withoutMarks(this.#bed.restoredFiles());
    await this.#bed.expectStarts(this.#contents);
    for (let i = 0; i < 2; i++) {
      await this.#restoreToEnd();
      this.#bed.clear();
    }
  }

  /** Kills restores until `count` have been hit in the middle, and each of `phases` at least once. */
  async kill(count: number, phases: readonly string[]): Promise<Tally> {
    const tally = new Tally();
    while (!tally.covers(count, phases)) {
      const ending = await this.#killed();
      tally.add(ending.done ? undefined : this.#reached(ending));
      if (!ending.done) await this.#judge(tally.total);
      else this.#expectWhole();
      if (ending.done) this.#bed.clear();
    }
    await this.#bed.expectRestores(this.#backupId, this.#contents);
    return tally;
  }

  /** One restore that is killed, into whatever the last one left. */
  async #killed(): Promise<Ending> {
    const operation = await this.#supply.begin();
    await this.moments.next(operation);
    operation.kill();
    const ending = await operation.ended();
    expect(ending.stderr).toBe('');
    if (!ending.done) expect(ending.signal).toBe('SIGKILL');
    return ending;
  }

  /** A directory with a control file is whole; one without does not start, and the next restore makes it whole. */
  async #judge(hits: number): Promise<void> {
    if (this.#hasControlFile()) {
      this.#expectWhole();
      await this.#bed.expectStarts(this.#contents);
      return;
    }
    this.#bed.expectRefused();
    if (hits % RUN_EVERY !== 0) return;
    await this.#restoreToEnd();
    this.#expectWhole();
    if (hits % START_EVERY === 0) await this.#bed.expectStarts(this.#contents);
    this.#bed.clear();
  }

  /** Every file, and no other but the marks. */
  #expectWhole(): void {
    const files = this.#bed.restoredFiles();
    expect(Object.keys(files).map((path) => basename(path))).toContain(RESTORED_MARKER);
    expect(withoutMarks(files)).toEqual(this.#files);
  }

  async #restoreToEnd(): Promise<void> {
    const operation = await this.#supply.begin();
    const ending = await operation.ended();
    expect(ending).toMatchObject({ code: 0, stderr: '', done: true });
    this.moments.learn(ending);
  }

  /** The last phase is not said: its beginning shows in the directory. */
  #reached(ending: Ending): string {
    const begun = this.#hasControlFile() || existsSync(`${this.#controlFile}.larder`);
    return begun ? 'control file' : ending.phase;
  }

  /** The record of the files is there: next comes the control file, whose own moment is shorter than one look. */
  #isNearlyDone(): boolean {
    return existsSync(join(this.#bed.home.dataDirectory, FILES_RECORD)) || this.#hasControlFile();
  }

  get #controlFile(): string {
    return join(this.#bed.home.dataDirectory, 'global', 'pg_control');
  }

  #hasControlFile(): boolean {
    return existsSync(this.#controlFile);
  }
}

export function supplyRestores(bed: TestBed, backupId: string): OperationSupply {
  return new OperationSupply('restore-program.ts', bed.restoreArguments(backupId));
}

/** Without the mark of an unfinished restore, and those of a finished one and the record of its files, of which no two are the same. */
function withoutMarks(files: Record<string, string>): Record<string, string> {
  const marks = [UNFINISHED_MARKER, RESTORED_MARKER, FILES_RECORD];
  const isMark = (path: string): boolean => marks.includes(basename(path));
  return Object.fromEntries(Object.entries(files).filter(([path]) => !isMark(path)));
}
