import { expect } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterFingerprint } from '../../../src/demo/compare-clusters.ts';
import { commitRecordName } from '../../../src/repository/layout.ts';
import { type Ending, OperationSupply } from './operation-process.ts';
import { Moments } from './moments.ts';
import { backupsIn, expectNoLeftovers, filesOf, removeBackup } from './repository-state.ts';
import { Tally } from './tally.ts';
import type { TestBed } from './test-bed.ts';

/** One kill in this many is followed by a run that is left to end; the others by the next that is killed. */
const RUN_EVERY = 2;
/** One kill in this many is followed by a restore and by a backup that is kept. */
const RESTORE_EVERY = 10;

/** Runs backups of one cluster into one repository and kills some of them; looks at the repository after each. */
export class BackupKills {
  readonly moments = new Moments([
    { phase: 'committing' },
    { phase: 'committing', sign: () => this.#hasNewRecord() },
    { phase: 'checkpoint' },
    { phase: 'connecting' },
  ]);
  readonly #bed: TestBed;
  readonly #supply: OperationSupply;
  /** Every backup that must be there, with the contents it must have. */
  readonly #kept = new Map<string, ClusterFingerprint>();
  #contents: ClusterFingerprint = {};

  constructor(bed: TestBed, supply: OperationSupply) {
    this.#bed = bed;
    this.#supply = supply;
  }

  /** The earlier backups, and the time that one takes. */
  async prepare(): Promise<void> {
    for (let i = 0; i < 3; i++) await this.#keepNext();
  }

  /** Kills backups until `count` have been hit in the middle, and each of `phases` at least once. */
  async kill(count: number, phases: readonly string[]): Promise<Tally> {
    const tally = new Tally();
    while (!tally.covers(count, phases)) {
      const ending = await this.#killed();
      const survivor = await this.#survivor();
      if (ending.done) {
        tally.add(undefined);
        removeBackup(this.#bed.repository, survivor!);
        continue;
      }
      tally.add(survivor === undefined ? ending.phase : 'committed');
      if (survivor !== undefined) await this.#expectWhole(survivor);
      if (tally.total % RESTORE_EVERY === 0) {
        await this.#keepNext();
        await this.#expectEarlierRestores();
      } else if (tally.total % RUN_EVERY === 0) removeBackup(this.#bed.repository, await this.#runToEnd());
    }
    return tally;
  }

  /** One backup that is killed; whatever it was doing, the earlier ones are as they were. */
  async #killed(): Promise<Ending> {
    const before = filesOf(this.#bed.repository, [...this.#kept.keys()]);
    const operation = await this.#supply.begin();
    await this.moments.next(operation);
    operation.kill();
    const ending = await operation.ended();
    expect(ending.stderr).toBe('');
    if (!ending.done) expect(ending.signal).toBe('SIGKILL');
    expect(filesOf(this.#bed.repository, [...this.#kept.keys()])).toEqual(before);
    return ending;
  }

  #hasNewRecord(): boolean {
    const { repository } = this.#bed;
    const others = readdirSync(repository).filter((name) => !this.#kept.has(name));
    return others.some((id) => existsSync(join(repository, commitRecordName(id))));
  }

  /** The one backup that there is beside the earlier ones, which are all there and can be read. */
  async #survivor(): Promise<string | undefined> {
    const found = await backupsIn(this.#bed.repository);
    const others = found.filter((id) => !this.#kept.has(id));
    expect(found.length - others.length).toBe(this.#kept.size);
    expect(others.slice(1)).toEqual([]);
    return others[0];
  }

  /** A backup whose process was killed behind its commit record. */
  async #expectWhole(id: string): Promise<void> {
    await this.#bed.expectRestores(id, this.#contents);
    removeBackup(this.#bed.repository, id);
  }

  /** The run after a killed one: it needs no help, takes the dead one's lease at once, and sweeps what that left. */
  async #runToEnd(): Promise<string> {
    const operation = await this.#supply.begin();
    const ending = await operation.ended();
    expect(ending).toMatchObject({ code: 0, stderr: '', done: true });
    this.moments.learn(ending);
    await expectNoLeftovers(this.#bed.repository);
    return (await this.#survivor())!;
  }

  async #keepNext(): Promise<void> {
    await this.#bed.change();
    this.#contents = await this.#bed.fingerprint();
    this.#kept.set(await this.#runToEnd(), this.#contents);
  }

  async #expectEarlierRestores(): Promise<void> {
    const earlier = [...this.#kept];
    const [id, contents] = earlier[this.moments.choose(earlier.length)]!;
    await this.#bed.expectRestores(id, contents);
  }
}

export function supplyBackups(bed: TestBed): OperationSupply {
  return new OperationSupply('backup-program.ts', [bed.server.connection, bed.repository]);
}
