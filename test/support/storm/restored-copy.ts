import { removeInstanceHome, type InstanceHome } from '../../../src/postgres/server/instance-home.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import { majorOf } from '../../../src/postgres/version.ts';
import type { Copy, TestRepository } from '../backup-runner.ts';
import { makeCopyHome, restoreInto, startCopy } from '../backup-runner.ts';
import { Spaces } from './spaces.ts';

/**
 * A copy is compared and thrown away: it may lose everything, and must not clean up while it is looked at. A scan of a
 * damaged index may go round for ever.
 */
const SETTINGS = {
  fsync: 'off',
  autovacuum: 'off',
  shared_buffers: '24MB',
  max_wal_size: '256MB',
  statement_timeout: '120s',
};

/** A backup of the storm, restored; not started yet, so that it can be damaged first. */
export class RestoredCopy implements AsyncDisposable {
  readonly #home: InstanceHome;
  readonly #major: number;
  #running: Copy | undefined;

  private constructor(home: InstanceHome, major: number) {
    this.#home = home;
    this.#major = major;
  }

  /** `spaces` are the tablespaces that the WAL of the backup may make. */
  static async restore(
    repository: TestRepository,
    backup: CommitRecord,
    spaces: readonly string[],
  ): Promise<RestoredCopy> {
    const home = await makeCopyHome();
    const copy = new RestoredCopy(home, majorOf(backup.serverVersionNumber));
    try {
      const own = new Spaces(home.dataDirectory);
      await restoreInto(repository, backup, home.dataDirectory, { tablespaces: own.mapping(backup) });
      await own.link();
      for (const name of spaces) await own.add(name);
      return copy;
    } catch (error) {
      await copy[Symbol.asyncDispose]();
      throw error;
    }
  }

  get dataDirectory(): string {
    return this.#home.dataDirectory;
  }

  /** Lets it recover to the end of its backup; its URL. Throws INSTANCE_FAILED, with the end of its log. */
  async start(): Promise<string> {
    this.#running = await startCopy(this.#home, this.#major, SETTINGS);
    return this.#running.connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#running?.[Symbol.asyncDispose]() ?? removeInstanceHome(this.#home));
  }
}
