import { mkdir, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import { giveToServer } from '../varied-cluster.ts';

/**
 * A CREATE TABLESPACE that happens during a backup is replayed by the copy with the path it was given, and would have
 * the copy write into the source's own directory. So the path is one that every server reads from its own data directory,
 * in which pg_stat_tmp is what no backup carries and no server since 15 uses.
 */
const LINK = 'pg_stat_tmp/spaces';
const SEEN_BY_SERVER = `/proc/self/cwd/${LINK}`;

/** The directories of the tablespaces of one server, the source or a copy: they lie beside its data directory. */
export class Spaces {
  readonly #dataDirectory: string;
  readonly #names = new Set<string>();

  constructor(dataDirectory: string) {
    this.#dataDirectory = dataDirectory;
  }

  /** What LOCATION says in CREATE TABLESPACE. */
  static location(name: string): string {
    return `${SEEN_BY_SERVER}/${name}`;
  }

  /** Of all that were added. */
  get names(): readonly string[] {
    return [...this.#names];
  }

  directory(name: string): string {
    return join(dirname(this.#dataDirectory), 'spaces', name);
  }

  /** Lets the server find them; call it before the server starts or replays. */
  async link(): Promise<void> {
    await makeDirectory(this.directory('.'));
    await symlink('../../spaces', join(this.#dataDirectory, LINK));
  }

  /** An empty directory for a tablespace; one that is there is left as it is. */
  async add(name: string): Promise<void> {
    this.#names.add(name);
    await makeDirectory(this.directory(name));
  }

  /** Where a restore puts the tablespaces of a backup, so that the link leads to them too. */
  mapping({ tablespaces }: CommitRecord): Map<number, string> {
    return new Map(tablespaces.map(({ oid, location }) => [oid, this.directory(basename(location))]));
  }
}

async function makeDirectory(path: string): Promise<void> {
  if ((await mkdir(path, { recursive: true, mode: 0o700 })) !== undefined) await giveToServer(path);
}
