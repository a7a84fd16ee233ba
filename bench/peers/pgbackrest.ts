import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateDirectory } from '../../src/postgres/server/instance-home.ts';
import { run, type Command } from '../child.ts';
import { measure } from '../measure.ts';
import type { Bench, BenchServer } from '../server.ts';
import { bytesBelow, type Peer } from './peer.ts';

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
  return {
    name: 'pgBackRest',
    version: version.replace('pgBackRest', '').trim(),
    prepare: async () => {
      // a push that finds no repository is tried again only after a minute
      await server.settle();
      await rm(repository, { recursive: true, force: true });
      await makePrivateDirectory(repository, bench.user);
      await run(command(...options, 'stanza-create'));
      const archive = `"${program}" ${options.join(' ')} archive-push %p`;
      await server.execute(`ALTER SYSTEM SET archive_command = '${archive}'`, 'SELECT pg_reload_conf()');
    },
    backup: async () => measure(command(...options, '--type=full', 'backup'), server.processId),
    storedBytes: async () => bytesBelow(repository),
    restore: async (target) => {
      // it wants the directory to be there, and empty
      await makePrivateDirectory(target, bench.user);
      return measure(command(...options, `--pg1-path=${target}`, 'restore'));
    },
  };
}

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
