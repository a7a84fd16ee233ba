import { expect } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ClusterFingerprint } from '../../../src/demo/compare-clusters.ts';
import { RESTORED_MARKER } from '../../../src/repository/restored-marker.ts';
import { FILES_RECORD } from '../../../src/restore/delta/files-record.ts';
import { UNFINISHED_MARKER } from '../../../src/restore/unfinished-marker.ts';
import { Moments } from './moments.ts';
import { OperationProcess, OperationSupply } from './operation-process.ts';
import { Tally } from './tally.ts';
import type { TestBed } from './test-bed.ts';

/** One kill in this many is followed by a restore that is left to end: in turn with --delta and without. */
const RUN_EVERY = 2;

interface Version {
  readonly id: string;
  readonly contents: ClusterFingerprint;
}

/** Brings an earlier copy to a later backup again and again, and kills some of it; looks at what each leaves. */
export class DeltaKills implements AsyncDisposable {
  readonly moments = new Moments([
    { phase: 'preparing' },
    { phase: 'preparing', sign: () => !this.#hasControlFile() },
    { phase: 'comparing' },
    { phase: 'writing' },
    { phase: 'syncing', sign: () => this.#hasControlFile() },
  ]);
  readonly #bed: TestBed;
  readonly #supply: OperationSupply;
  readonly #earlier: Version;
  readonly #later: Version;
  readonly #files: { earlier: Record<string, string>; later: Record<string, string> } = {
    earlier: {},
    later: {},
  };
  #isWhole = false;

  constructor(bed: TestBed, versions: { readonly earlier: Version; readonly later: Version }) {
    this.#bed = bed;
    this.#earlier = versions.earlier;
    this.#later = versions.later;
    this.#supply = new OperationSupply('restore-program.ts', [
      ...bed.restoreArguments(this.#later.id),
      'delta',
    ]);
  }

  /** The files of either version, the earlier one kept to begin with, and the time that it takes. */
  async prepare(): Promise<void> {
    await this.#restore(this.#later.id);
    this.#files.later = this.#filesThere();
    this.#bed.clear();
    await this.#restore(this.#earlier.id);
    this.#files.earlier = this.#filesThere();
    for (const directory of this.#directories) execFileSync('cp', ['-a', directory, `${directory}-earlier`]);
    for (let i = 0; i < 2; i++) {
      this.#bringBack();
      const operation = await this.#supply.begin();
      const ending = await operation.ended();
      expect(ending).toMatchObject({ code: 0, stderr: '', done: true });
      expect(this.#filesThere()).toEqual(this.#files.later);
      this.moments.learn(ending);
    }
    this.#isWhole = true;
  }

  /** Kills until `count` were hit in the middle, and each of `phases` at least once. */
  async kill(count: number, phases: readonly string[]): Promise<Tally> {
    const tally = new Tally();
    while (!tally.covers(count, phases)) {
      if (this.#isWhole) this.#bringBack();
      const operation = await this.#supply.begin();
      await this.moments.next(operation);
      operation.kill();
      const ending = await operation.ended();
      expect(ending.stderr).toBe('');
      this.#isWhole = ending.done;
      tally.add(ending.done ? undefined : ending.phase);
      if (ending.done) expect(this.#filesThere()).toEqual(this.#files.later);
      else await this.#judge(tally.total);
    }
    this.#bringBack();
    await this.#restore(this.#later.id, 'delta');
    await this.#bed.expectStarts(this.#later.contents);
    return tally;
  }

  /** What has a control file is whole, as it was or as it shall be; what has none does not start, and can be made whole. */
  async #judge(hits: number): Promise<void> {
    if (this.#hasControlFile()) {
      expect([this.#files.earlier, this.#files.later]).toContainEqual(this.#filesThere());
      return;
    }
    this.#bed.expectRefused();
    if (hits % RUN_EVERY !== 0) return;
    const overCopy = hits % (2 * RUN_EVERY) === 0 || (await this.#isRefused());
    await this.#restore(this.#later.id, ...(overCopy ? ['delta'] : []));
    expect(this.#filesThere()).toEqual(this.#files.later);
    this.#isWhole = true;
  }

  /**
   * A tablespace is marked behind the data directory: one that is marked beside a copy that is whole would be cleared by whoever
   * names it next, with a server on it. Killed between the two, it looks like a stranger's, and only `--delta` goes on.
   */
  async #isRefused(): Promise<boolean> {
    if (existsSync(join(this.#bed.tablespace, UNFINISHED_MARKER))) return false;
    const before = this.#bed.restoredFiles();
    const operation = OperationProcess.start(
      'restore-program.ts',
      this.#bed.restoreArguments(this.#later.id),
    );
    await operation.begin();
    const { code, stderr } = await operation.ended();
    expect(code).toBe(6);
    expect(stderr).toContain(`${this.#bed.tablespace} is not empty`);
    expect(this.#bed.restoredFiles()).toEqual(before);
    return true;
  }

  async #restore(id: string, ...more: readonly string[]): Promise<void> {
    const operation = OperationProcess.start('restore-program.ts', [
      ...this.#bed.restoreArguments(id),
      ...more,
    ]);
    await operation.begin();
    expect(await operation.ended()).toMatchObject({ code: 0, stderr: '', done: true });
  }

  get #directories(): string[] {
    return [this.#bed.home.dataDirectory, this.#bed.tablespace];
  }

  #bringBack(): void {
    this.#bed.clear();
    for (const directory of this.#directories) execFileSync('cp', ['-a', `${directory}-earlier`, directory]);
    // a server has run on it
    execFileSync('touch', [join(this.#bed.home.dataDirectory, 'postmaster.opts')]);
    this.#isWhole = false;
  }

  /** Without the marks, and the options of a server. */
  #filesThere(): Record<string, string> {
    const marks = [UNFINISHED_MARKER, RESTORED_MARKER, FILES_RECORD, 'postmaster.opts'];
    const files = Object.entries(this.#bed.restoredFiles());
    return Object.fromEntries(files.filter(([path]) => !marks.includes(basename(path))));
  }

  #hasControlFile(): boolean {
    return existsSync(join(this.#bed.home.dataDirectory, 'global', 'pg_control'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#supply[Symbol.asyncDispose]();
    for (const directory of this.#directories)
      rmSync(`${directory}-earlier`, { recursive: true, force: true });
  }
}
