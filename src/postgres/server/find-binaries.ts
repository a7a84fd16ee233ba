import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { embeddedBinDirectory } from './embedded-binaries.ts';

const run = promisify(execFile);

/** Where an installation was found; `embedded` ones hold initdb, pg_ctl and postgres only. */
export type BinariesOrigin = 'configured' | 'system' | 'path' | 'embedded';

/** One installed PostgreSQL server. */
export interface ServerBinaries {
  readonly major: number;
  /** As the server writes it: `17.10`, `18beta1`. */
  readonly version: string;
  /** The directory that holds `postgres` and `initdb`. */
  readonly directory: string;
  readonly origin: BinariesOrigin;
}

export interface BinariesSearch {
  /** A directory named by the operator; tried before all others. */
  readonly directory?: string;
  /** The value of PATH. */
  readonly searchPath?: string;
}

/**
 * The first installation of a major version: the named directory, the packages of Debian and of the PostgreSQL project,
 * PATH, and last the npm packages. `undefined` when there is none. Throws INSTANCE_FAILED when the npm package is there
 * but cannot be made to run.
 */
export async function findServerBinaries(
  major: number,
  search: BinariesSearch = {},
): Promise<ServerBinaries | undefined> {
  for (const [origin, directory] of candidates(major, search)) {
    const found = await inspect(directory, origin);
    if (found?.major === major) return found;
  }
  return findEmbeddedBinaries(major);
}

/** The npm package's installation alone: what tests and the demonstration use, the same on every machine. */
export async function findEmbeddedBinaries(major: number): Promise<ServerBinaries | undefined> {
  const directory = await embeddedBinDirectory(major);
  return directory === undefined ? undefined : inspect(directory, 'embedded');
}

/** The version in the output of `postgres --version`; `undefined` when it is not PostgreSQL's. */
export function parseServerVersion(output: string): { major: number; version: string } | undefined {
  const match = /\(PostgreSQL\) ((\d+)[.\w]*)/.exec(output);
  if (match?.[1] === undefined) return undefined;
  return { major: Number(match[2]), version: match[1] };
}

function candidates(major: number, search: BinariesSearch): [BinariesOrigin, string][] {
  const onPath = (search.searchPath ?? '').split(delimiter).filter((directory) => directory !== '');
  return [
    ...(search.directory === undefined
      ? []
      : ([['configured', search.directory]] as [BinariesOrigin, string][])),
    ['system', `/usr/lib/postgresql/${String(major)}/bin`],
    ['system', `/usr/pgsql-${String(major)}/bin`],
    ...onPath.map((directory): [BinariesOrigin, string] => ['path', directory]),
  ];
}

async function inspect(directory: string, origin: BinariesOrigin): Promise<ServerBinaries | undefined> {
  const program = join(directory, 'postgres');
  try {
    await access(program, constants.X_OK);
    const { stdout } = await run(program, ['--version'], { env: {}, timeout: 10_000 });
    const version = parseServerVersion(stdout);
    return version === undefined ? undefined : { ...version, directory, origin };
  } catch {
    // not there, not ours to run, or not a PostgreSQL that starts here: the next candidate may be
    return undefined;
  }
}
