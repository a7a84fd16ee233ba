import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../../src/clock.ts';
import { findFreePort } from '../../../src/postgres/server/free-port.ts';
import { RunHistory } from '../../../src/scheduler/history.ts';
import { eventually, startLarder, type LarderProcess } from '../../support/larder-process.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts';

const DAEMONS = 10;

interface Health {
  status: string;
  clusters: { role: string; lastBackup: object | null; receiver: { state: string } | null }[];
}
interface Replica {
  readonly process: LarderProcess;
  readonly port: number;
  readonly state: string;
}

let server: TestServer;
let directory: TemporaryDirectory;

beforeAll(async () => {
  server = await startServer({ major: 18 });
  directory = await temporaryDirectory();
}, 60_000);
afterAll(async () => {
  await server.stop();
  await directory[Symbol.asyncDispose]();
});

async function startReplica(number: number): Promise<Replica> {
  const [port, cwd] = [await findFreePort(), join(directory.path, `replica-${number}`)];
  await mkdir(cwd, { recursive: true });
  const process = startLarder(['daemon'], {
    cwd,
    env: {
      LARDER_VERIFY_LEVEL: 'objects',
      DATABASE_URL: server.connection,
      BACKUP_DIR: join(directory.path, 'backups'),
      LARDER_HTTP_PORT: String(port),
      LARDER_BACKUP_WORKERS: '1',
    },
  });
  return { process, port, state: join(cwd, 'larder-state') };
}
async function health({ port }: Replica): Promise<Health['clusters'][number] | undefined> {
  const response = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
  return response === undefined ? undefined : ((await response.json()) as Health).clusters[0];
}
const roles = async (replicas: readonly Replica[]) =>
  (await Promise.all(replicas.map(health))).map((seen) => seen?.role ?? 'none').sort();
/** Who came late to the repository has on record what it tells of: that was not run here. */
const runsOf = async ({ state }: Replica) =>
  (await (await RunHistory.open(state, systemClock)).runs())
    .filter(({ reason }) => reason !== 'rebuilt')
    .map(({ task, result }) => [task, result]);
const backups = async () =>
  (await readdir(join(directory.path, 'backups'))).filter((name) => name.includes('_backup_'));
const one = ['leader', ...Array.from({ length: DAEMONS - 1 }, () => 'standby')];

test('of ten daemons on one repository one leads and runs everything, and when it is killed another one does', async () => {
  const replicas = await Promise.all(Array.from({ length: DAEMONS }, (_, n) => startReplica(n)));
  try {
    await eventually(
      () => roles(replicas),
      (seen) => seen.join() === one.join(),
      90,
    );
    const leading = await Promise.all(replicas.map(async (each) => (await health(each))?.role === 'leader'));
    const leader = replicas[leading.indexOf(true)]!;
    await eventually(
      () => runsOf(leader),
      (runs) => runs.filter(([, result]) => result === 'success').length === 2,
      60,
    );
    expect(await runsOf(leader)).toEqual([
      ['backup_full', 'success'],
      ['verify', 'success'],
    ]);
    expect(await backups()).toHaveLength(1);
    const others = replicas.filter((each) => each !== leader);
    for (const other of others) expect(await runsOf(other)).toEqual([]);
    // who stands by tells of the backups too
    await eventually(
      () => health(others[0]!),
      (seen) => (seen?.lastBackup ?? null) !== null && seen?.receiver?.state === 'stopped',
      90,
    );

    leader.process.signal('SIGKILL');
    await leader.process.exit;
    await eventually(
      () => roles(others),
      (seen) => seen.join() === one.slice(0, -1).join(),
      90,
    );
    const next = await Promise.all(others.map(health));
    expect(next.filter((seen) => seen?.role === 'leader')).toHaveLength(1);
    await eventually(
      async () => (await Promise.all(others.map(health))).map((seen) => seen?.receiver?.state),
      (states) => states.filter((state) => state === 'streaming').length === 1,
      90,
    );
    expect(await backups()).toHaveLength(1);
    for (const other of others) expect(await runsOf(other)).toEqual([]);
  } finally {
    for (const { process } of replicas) process.signal('SIGTERM');
    await Promise.all(replicas.map(({ process }) => process.exit));
  }
}, 300_000);
