import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  Network,
  Wait,
  type ContainerRuntimeClient,
  type StartedNetwork,
  type StartedTestContainer,
} from 'testcontainers';
import { temporaryDirectory } from '../temporary-directory.ts';
import { HardenedContainer } from './hardened-container.ts';

const deployed = (path: string) => fileURLToPath(new URL(`../../../deploy/${path}`, import.meta.url));
const PASSWORD = 'a "password" with \'quotes\' & a space';

/** A network with a database on it that Larder may log in to, set up by the files under deploy/ as docker-compose.yml does. */
export interface Stage extends AsyncDisposable {
  readonly network: StartedNetwork;
  readonly database: StartedTestContainer;
  /** What must show nowhere. */
  readonly password: string;
  /** Where a secret lies on this machine. */
  secret(name: string): string;
  /** The name of a volume that goes away with the stage. */
  volume(): string;
}

/** Starts the database under its own uid, without root at any time. */
export async function openStage(client: ContainerRuntimeClient): Promise<Stage> {
  await using undo = new AsyncDisposableStack();
  const directory = undo.use(await temporaryDirectory());
  await writeSecrets(directory.path);
  let count = 0;
  // before what uses them, so that they go away behind it
  const volumes = undo.use(new AsyncDisposableStack());
  const stage = {
    password: PASSWORD,
    secret: (name: string) => join(directory.path, 'secrets', name),
    volume: () => {
      const name = `larder-test-${process.pid}-${count++}`;
      volumes.defer(() => client.container.dockerode.getVolume(name).remove({ force: true }));
      return name;
    },
  };
  const network = await new Network().start();
  undo.defer(async () => {
    await network.stop();
  });
  const database = undo.use(await startDatabase(network, stage));
  const all = undo.move();
  return { ...stage, network, database, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** As README.md says: files that every container reads, in a directory that nobody else of this machine enters. */
async function writeSecrets(directory: string): Promise<void> {
  await mkdir(join(directory, 'secrets'), { mode: 0o700 });
  for (const name of ['postgres_password', 'larder_password']) {
    await writeFile(join(directory, 'secrets', name), `${PASSWORD}\n`);
    await chmod(join(directory, 'secrets', name), 0o644);
  }
}

function startDatabase(
  network: StartedNetwork,
  { secret, volume }: Pick<Stage, 'secret' | 'volume'>,
): Promise<StartedTestContainer> {
  const mounts = {
    [secret('postgres_password')]: '/run/secrets/postgres_password',
    [secret('larder_password')]: '/run/secrets/larder_password',
    [deployed('compose/init-database.sh')]: '/docker-entrypoint-initdb.d/10-larder.sh',
    [deployed('sql/larder-role.sql')]: '/opt/larder-role.sql',
  };
  return new HardenedContainer('postgres:18-bookworm')
    .withUser('999:999')
    .withTmpFs({ '/tmp': 'rw', '/var/run/postgresql': 'rw' })
    .withEnvironment({ POSTGRES_PASSWORD_FILE: '/run/secrets/postgres_password' })
    .withBindMounts([
      { source: volume(), target: '/var/lib/postgresql', mode: 'rw' },
      ...Object.entries(mounts).map(([source, target]) => ({ source, target, mode: 'ro' as const })),
    ])
    .withNetwork(network)
    .withNetworkAliases('database')
    .withCommand(['postgres', '-c', 'summarize_wal=on'])
    .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
    .start();
}
