import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { lsnOf } from '../../support/wal-receiver.ts';
import { makeScratch, type Scratch } from '../../support/backup-runner.ts';
import { larder, type Ended } from '../../support/larder-command.ts';
import { eventually, startLarder } from '../../support/larder-process.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';

interface Point {
  lsn: string;
  time: string;
}

interface RollsForward {
  state: string;
  until: Point;
  hole: { segment: string } | null;
}

interface Status {
  archives: {
    position: string;
    windows: { from: Point; until: Point; backup: string }[];
    holes: {
      segment: string;
      lastSegment: string;
      from: string;
      to: string;
      recorded: { reason: string } | null;
      needed: boolean;
    }[];
  }[];
  backups: RollsForward[];
  problems: { code: string; message: string }[];
  lagBytes: number | null;
  unprotectedSeconds: number | null;
}

let scratch: Scratch;
let server: TestServer;
let environment: Record<string, string>;

beforeAll(async () => {
  scratch = await makeScratch();
  const settings = { min_wal_size: '2MB', max_wal_size: '3MB', checkpoint_timeout: '1h' };
  server = await startServer({ major: 16, walSegmentSizeMb: 1, settings });
  await server.query('CREATE TABLE t (a int)');
  environment = {
    DATABASE_URL: server.connection,
    BACKUP_DIR: join(scratch.path, 'backups'),
    LARDER_STATE_DIR: join(scratch.path, 'state'),
    LARDER_WAL_TAIL_INTERVAL: '1s',
  };
}, 60_000);
afterAll(async () => {
  await server.stop();
  await scratch[Symbol.asyncDispose]();
});

const run = (...words: string[]): Promise<Ended> => larder(words, environment, scratch.path);

async function status(): Promise<Status> {
  return JSON.parse((await run('wal', 'status', '--json')).stdout) as Status;
}

async function flushed(): Promise<bigint> {
  const [row] = await server.query('SELECT pg_current_wal_flush_lsn() AS lsn');
  return lsnOf(row?.['lsn']);
}

/** Starts a receiver and waits until it has everything; then ends it well. */
async function withReceiver(work: () => Promise<void>): Promise<void> {
  await using receiver = startLarder(['wal', 'receive'], { cwd: scratch.path, env: environment });
  await eventually(
    async () => Promise.resolve(receiver.stderr()),
    (told) => told.includes('streaming WAL'),
  );
  await server.query('INSERT INTO t SELECT 1');
  const end = await flushed();
  await eventually(status, ({ archives }) => lsnOf(archives[0]?.position ?? '0/0') >= end);
  await work();
  receiver.signal('SIGTERM');
  expect(await receiver.exit).toBe(0);
}

test('nothing is unprotected on an idle server, and every backup rolls forward to the end', async () => {
  await withReceiver(async () => {
    expect((await run('backup')).code).toBe(0);
    await server.query('INSERT INTO t SELECT generate_series(1, 1000)');
    const end = await flushed();
    await eventually(status, ({ archives }) => lsnOf(archives[0]?.position ?? '0/0') >= end);
    const idle = await eventually(status, ({ lagBytes }) => lagBytes === 0);
    expect(idle).toMatchObject({ lagBytes: 0, unprotectedSeconds: 0, problems: [] });
    const [archive] = idle.archives;
    expect(archive?.holes).toEqual([]);
    expect(archive?.windows).toHaveLength(1);
    const { from, until } = archive!.windows[0]!;
    expect(lsnOf(until.lsn)).toBeGreaterThanOrEqual(end);
    expect(Date.parse(until.time)).toBeGreaterThanOrEqual(Date.parse(from.time));
    const text = await run('wal', 'status');
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/^unprotected +0 s/m);
    expect(text.stdout).toMatch(
      /^window +\d{4}-.* UTC \(0\/\w+\) - \d{4}-.* UTC \(0\/\w+\), from full_backup/m,
    );
    const verified = await run('verify', '--level', 'objects');
    expect(verified.stdout).toMatch(
      /^log +\d+ segments?, .* of WAL, whole from 0\/\w+ to 0\/\w+ on timeline 1$/m,
    );
    expect(verified.code).toBe(0);
  });
  const list = JSON.parse((await run('list', '--json')).stdout) as {
    backups: { rollForward: RollsForward }[];
  };
  expect(list.backups[0]?.rollForward).toMatchObject({ state: 'log', hole: null });
  expect((await run('list')).stdout).toMatch(/ROLLS FORWARD TO.*\n.* UTC \(0\/\w+\) +complete$/m);
  expect((await run('list', 'latest')).stdout).toMatch(/^rolls forward to +\d{4}-.* UTC/m);
}, 60_000);

test('a hole is named with what lies on both sides of it, and a backup behind it opens a window of its own', async () => {
  const [slot] = await server.query('SELECT slot_name FROM pg_replication_slots');
  await server.query(`SELECT pg_drop_replication_slot('${String(slot?.['slot_name'])}')`);
  for (let segment = 0; segment < 12; segment++) {
    await server.query('INSERT INTO t SELECT generate_series(1, 100); SELECT pg_switch_wal()');
  }
  await server.query('CHECKPOINT');
  await withReceiver(async () => {
    const broken = await status();
    expect(broken.problems).toHaveLength(1);
    const [hole] = broken.archives[0]!.holes;
    expect(hole).toMatchObject({ needed: true, recorded: { reason: 'wal-removed' } });
    expect(broken.problems[0]).toMatchObject({ code: 'WAL_GAP' });
    expect(broken.problems[0]?.message).toContain(hole!.segment);
    expect(broken.backups[0]?.hole?.segment).toBe(hole!.segment);
    const text = await run('wal', 'status');
    expect(text.code).toBe(7);
    expect(text.stdout).toMatch(
      new RegExp(`^hole +0/\\w+ - 0/\\w+, segments ${hole!.segment} to ${hole!.lastSegment}, recorded`, 'm'),
    );
    expect((await run('list')).stdout).toContain(`then a HOLE at ${hole!.segment}`);
    expect((await run('backup')).code).toBe(0);
    await server.query('INSERT INTO t SELECT 1');
    const end = await flushed();
    const mended = await eventually(status, ({ archives }) => lsnOf(archives[0]!.position) >= end);
    expect(mended.backups.map((backup) => backup.hole?.segment)).toEqual([hole!.segment, undefined]);
    const { windows } = mended.archives[0]!;
    expect(windows).toHaveLength(2);
    expect(lsnOf(windows[0]!.until.lsn)).toBeLessThan(lsnOf(windows[1]!.from.lsn));
  });
}, 90_000);
