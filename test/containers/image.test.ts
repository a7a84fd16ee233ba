import { afterAll, beforeAll, expect } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { GenericContainer, type ContainerRuntimeClient, type StartedTestContainer } from 'testcontainers';
import { engineTest, findEngine } from '../support/containers/engine.ts';
import { get, larderContainer } from '../support/containers/larder-container.ts';
import { openStage, type Stage } from '../support/containers/stage.ts';
import { eventually } from '../support/larder-process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const IMAGE = 'larder-test:18';
const engine = await findEngine();
const containerTest = engineTest(engine);

let client: ContainerRuntimeClient;
let stage: Stage;
let [backups, state] = ['', ''];
beforeAll(async () => {
  if (engine.client === undefined) return;
  client = engine.client;
  await GenericContainer.fromDockerfile(ROOT)
    .withBuildArgs({ POSTGRES_MAJOR: '18' })
    .build(IMAGE, { deleteOnExit: false });
  stage = await openStage(client);
  [backups, state] = [stage.volume(), stage.volume()];
}, 900_000);
afterAll(async () => {
  await (stage as Stage | undefined)?.[Symbol.asyncDispose]();
}, 60_000);

const inspect = (container: { getId(): string }) =>
  client.container.inspect(client.container.getById(container.getId()));
const larder = (container: StartedTestContainer, ...args: string[]) => container.exec(['larder', ...args]);
/** The ids of the backups; how far each can be rolled forward moves while the service receives WAL. */
const listed = async (container: StartedTestContainer) =>
  (
    JSON.parse((await larder(container, 'list', '--json')).stdout) as { backups: { id: string }[] }
  ).backups.map(({ id }) => id);
const ready = (container: StartedTestContainer) =>
  eventually(
    () => get(container, '/health/backup'),
    ({ status }) => status === 200,
    60,
  );
const text = async (container: StartedTestContainer) => {
  let all = '';
  const stream = await container.logs();
  stream.on('data', (chunk: unknown) => (all += String(chunk)));
  await eventually(
    () => Promise.resolve(all),
    (seen) => seen.includes('\n'),
  );
  return all;
};

/** Ends the container as `docker stop` does, and removes it. */
async function stop(container: StartedTestContainer): Promise<{ exitCode: number; seconds: number }> {
  const began = performance.now();
  await client.container.getById(container.getId()).stop({ t: 30 });
  const seconds = (performance.now() - began) / 1000;
  const { State } = await inspect(container);
  await container.stop();
  return { exitCode: State.ExitCode, seconds };
}

containerTest(
  'the service takes its first backup, answers probes and scrapes, stops at SIGTERM, and goes on with the same volumes',
  async () => {
    await using first = await larderContainer(IMAGE, stage, { backups, state }).start();
    await ready(first);
    expect(await get(first, '/health/ready')).toMatchObject({ status: 200 });
    const { body } = await get(first, '/metrics');
    expect(body).toMatch(/^larder_build_info\{/m);
    expect(body).toMatch(/^larder_backups\{.*type="full",state="good"\} 1$/m);
    const [backup, ...more] = await listed(first);
    expect(more).toEqual([]);
    expect(await larder(first, 'verify', 'latest')).toMatchObject({ exitCode: 0 });
    const checked = await larder(first, 'check');
    expect(checked).toMatchObject({ exitCode: 0 });

    const { Config } = await inspect(first);
    expect(Config.User).toBe('999');
    expect(Config.Healthcheck?.Test).toEqual(['CMD', 'node', expect.any(String)]);
    expect(await first.exec(Config.Healthcheck!.Test!.slice(1))).toMatchObject({ exitCode: 0 });
    const shown = `${JSON.stringify(await inspect(first))}${await text(first)}${body}`;
    expect(shown).not.toContain(stage.password);
    const stopped = await stop(first);
    expect(stopped.exitCode).toBe(0);
    expect(stopped.seconds).toBeLessThan(10);

    await using second = await larderContainer(IMAGE, stage, { backups, state }).start();
    await ready(second);
    expect(await listed(second)).toEqual([backup]);
    // the lease of the container that is gone keeps nobody from writing
    expect(await larder(second, 'backup')).toMatchObject({ exitCode: 0 });
    expect(await listed(second)).toHaveLength(2);
    expect(await stop(second)).toMatchObject({ exitCode: 0 });
  },
  300_000,
);

containerTest(
  'a uid that has no name in the image backs up, restores, and has the server of the image prove it',
  async () => {
    const options = { backups: stage.volume(), state: stage.volume(), user: '54321' };
    await using container = await larderContainer(IMAGE, stage, options).start();
    await ready(container);
    expect((await container.exec(['id', '--user'])).output.trim()).toBe('54321');
    await stage.database.exec(['psql', '-U', 'postgres', '-c', 'CREATE TABLE menu AS SELECT 1 AS dish']);
    expect(await larder(container, 'wal', 'seal')).toMatchObject({ exitCode: 0 });
    const restored = await larder(container, 'restore', '--to-dir', '/tmp/restored', '--start');
    expect(restored).toMatchObject({ exitCode: 0 });
    expect(await stop(container)).toMatchObject({ exitCode: 0 });
  },
  300_000,
);

containerTest(
  'nothing outside the volumes and /tmp can be written, and there is no way to root',
  async () => {
    await using container = await larderContainer(IMAGE, stage, { backups, state }).start();
    for (const path of ['/opt/larder/dist/x', '/etc/x', '/var/lib/larder/x', '/usr/local/bin/x']) {
      expect(await container.exec(['touch', path])).not.toMatchObject({ exitCode: 0 });
    }
    const capabilities = await container.exec([
      'grep',
      '-E',
      'Cap(Eff|Prm|Bnd)|NoNewPrivs',
      '/proc/self/status',
    ]);
    expect(capabilities.output.match(/\t(\S+)/g)).toEqual([
      '\t0000000000000000',
      '\t0000000000000000',
      '\t0000000000000000',
      '\t1',
    ]);
    const setuid = await container.exec([
      'sh',
      '-c',
      'find / -xdev -type f -perm /6000 2>/dev/null | head -1',
    ]);
    expect(setuid.output).toBe('');
    // an account that is not of group 0 and brings directories of its own gets at least there
    const own = await container.exec(['stat', 'backups', 'state'], { user: '4321:4321' });
    expect(own).toMatchObject({ exitCode: 0 });
    await stop(container);
  },
);

containerTest('a secret that is not there ends the start with exit code 2 and names the file', async () => {
  const { client: runtime } = engine;
  const container = await runtime!.container.create({
    Image: IMAGE,
    Env: ['DATABASE_URL=postgresql://larder@database/postgres', 'DATABASE_PASSWORD_FILE=/run/secrets/absent'],
    HostConfig: { ReadonlyRootfs: true, CapDrop: ['ALL'] },
  });
  await container.start();
  const { StatusCode } = (await container.wait()) as { StatusCode: number };
  const said = String(await container.logs({ stderr: true, stdout: true }));
  await container.remove({ v: true });
  expect(StatusCode).toBe(2);
  expect(said).toContain('/run/secrets/absent');
});
