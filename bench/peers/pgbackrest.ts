import { chmod, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makePrivateDirectory } from '../../src/postgres/server/instance-home.ts';
import { run, type Command } from '../child.ts';
import { measure, type Measurement } from '../measure.ts';
import { NOTHING_ARCHIVED, type Bench, type BenchServer } from '../server.ts';
import { bytesBelow, filesBelow, type AddedBytes, type Peer } from './peer.ts';

const STANZA = 'bench';

/** pgBackRest as its guide recommends it, with two processes; `undefined` where the program is not there. */
export async function pgBackRest(
  program: string,
  bench: Bench,
  server: BenchServer,
): Promise<Peer | undefined> {
  const repository = join(server.home.directory, 'pgbackrest');
  const configuration = join(server.home.directory, 'pgbackrest.conf');
  const command = (...args: string[]): Command => ({ program, args, user: bench.user, signal: bench.signal });
  const version = await run(command('version')).catch(() => undefined);
  if (version === undefined) return undefined;
  const scratch = join(server.home.directory, 'pgbackrest-scratch');
  await makePrivateDirectory(scratch, bench.user);
  await writeFile(configuration, configurationText(server, repository, scratch));
  await chmod(configuration, 0o644);
  const options = [`--config=${configuration}`, `--stanza=${STANZA}`];
  const archiveWith = async (archive: string): Promise<void> => {
    await server.execute(`ALTER SYSTEM SET archive_command = '${archive}'`, 'SELECT pg_reload_conf()');
  };
  const backup = async (type: 'full' | 'incr'): Promise<Measurement> => {
    // only now: a push beside another's backup would be counted for that one
    await archiveWith(`"${program}" ${options.join(' ')} archive-push %p`);
    const measurement = await measure(command(...options, `--type=${type}`, 'backup'), server.processId);
    await archiveWith(NOTHING_ARCHIVED);
    return measurement;
  };
  const newest = async (): Promise<BackRestBackup> =>
    newestBackup(await run(command(...options, '--output=json', 'info')));
  return {
    name: 'pgBackRest',
    version: version.replace('pgBackRest', '').trim(),
    prepare: async () => {
      await rm(repository, { recursive: true, force: true });
      await makePrivateDirectory(repository, bench.user);
      await run(command(...options, 'stanza-create'));
    },
    backup: async () => backup('full'),
    incremental: async () => {
      const measurement = await backup('incr');
      if ((await newest()).type !== 'incr') throw new Error('pgBackRest took a full backup');
      return measurement;
    },
    storedBytes: async () => bytesBelow(repository),
    addedBytes: async () => addedBytes(repository, await newest()),
    restore: async (target) => {
      // it wants the directory to be there, and empty
      await makePrivateDirectory(target, bench.user);
      return measure(command(...options, `--pg1-path=${target}`, 'restore'));
    },
  };
}

/** What is read here of `pgbackrest info`. */
interface BackRestBackup {
  readonly label: string;
  readonly type: string;
  /** Names of the segments from the one with its start to the one with its stop. */
  readonly archive: { readonly start: string; readonly stop: string };
}

function newestBackup(info: string): BackRestBackup {
  const [stanza] = JSON.parse(info) as { backup: readonly BackRestBackup[] }[];
  const newest = stanza?.backup.at(-1);
  if (newest === undefined) throw new Error('pgBackRest has no backup');
  return newest;
}

/** Its directory, and the segments of the archive that make it consistent. */
async function addedBytes(repository: string, { label, archive }: BackRestBackup): Promise<AddedBytes> {
  const own = await bytesBelow(join(repository, 'backup', STANZA, label));
  const segments = await filesBelow(join(repository, 'archive', STANZA));
  const archivedBytes = segments
    .map(([path, size]) => ({ segment: SEGMENT.exec(basename(path))?.[1] ?? '', size }))
    .filter(({ segment }) => segment >= archive.start && segment <= archive.stop)
    .reduce((sum, { size }) => sum + size, 0);
  return { bytes: own + archivedBytes, archivedBytes };
}

/** A segment with the SHA-1 of its content: `000000010000000000000002-….zst`. */
const SEGMENT = /^([0-9A-F]{24})-/;

function configurationText(server: BenchServer, repository: string, scratch: string): string {
  const { home } = server;
  const options: Record<string, string> = {
    'repo1-path': repository,
    'repo1-retention-full': '1',
    'repo1-bundle': 'y',
    'repo1-block': 'y',
    'compress-type': 'zst',
    'compress-level': '3',
    'process-max': '2',
    'start-fast': 'y',
    'archive-async': 'n',
    'log-level-file': 'off',
    'log-level-console': 'warn',
    'lock-path': scratch,
    'spool-path': scratch,
  };
  const stanza = {
    'pg1-path': home.dataDirectory,
    'pg1-socket-path': home.socketDirectory,
    'pg1-port': '5432',
    'pg1-user': 'postgres',
  };
  return `[global]\n${lines(options)}[${STANZA}]\n${lines(stanza)}`;
}

function lines(options: Record<string, string>): string {
  return Object.entries(options)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
