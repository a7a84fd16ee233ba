import { chown, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../../errors.ts';
import { readProcessIdentity } from '../../process-identity.ts';
import type { Owner } from '../durable.ts';

/** Within the data directory, so that a file is brought to its place by a rename. scripts/larder-wal-fetch knows it too. */
const PLACE = 'pg_wal/larder_fetch';
const WANT = '.want';

/** The directory through which the restored server's restore_command and the process that fetches WAL talk. */
export class FetchDirectory {
  readonly path: string;
  readonly owner: Owner;

  private constructor(path: string, owner: Owner) {
    this.path = path;
    this.owner = owner;
  }

  /** Makes it anew, empty, private, the data directory's owner's; then says that this process serves it. */
  static async open(dataDirectory: string): Promise<FetchDirectory> {
    const { uid, gid } = await stat(dataDirectory);
    const directory = new FetchDirectory(join(dataDirectory, PLACE), { uid, gid });
    await rm(directory.path, { recursive: true, force: true });
    await mkdir(directory.path, { mode: 0o700 });
    await chown(directory.path, uid, gid);
    const { pid, processStart, bootId } = readProcessIdentity();
    await directory.put('server', `${pid} ${processStart ?? '?'} ${bootId ?? '?'}\n`);
    return directory;
  }

  async close(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  /** What is asked for, and what lies ready. */
  async look(): Promise<{ readonly wanted: string[]; readonly ready: Set<string> }> {
    const names = await readdir(this.path);
    return {
      wanted: names.filter((name) => name.endsWith(WANT)).map((name) => name.slice(0, -WANT.length)),
      ready: new Set(names),
    };
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /**
   * Takes a request off the list, which comes before any answer: PostgreSQL asks for some files again and again, and who has
   * been answered may already be asking anew.
   * @returns whether the file lies ready all the same
   */
  async accept(name: string): Promise<boolean> {
    await rm(this.file(`${name}${WANT}`), { force: true });
    return (await readdir(this.path)).includes(name);
  }

  /** A small file, whole. */
  async put(name: string, content: string | Buffer): Promise<void> {
    const path = this.file(name);
    await writeFile(`${path}.part`, content, { mode: 0o600 });
    await chown(`${path}.part`, this.owner.uid, this.owner.gid);
    await rename(`${path}.part`, path);
  }
}

/** Whether the server of the data directory runs, as far as its own file says. */
export async function hasPostmaster(dataDirectory: string): Promise<boolean> {
  try {
    await stat(join(dataDirectory, 'postmaster.pid'));
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
