import { appendFile, chmod, mkdtemp, rm } from 'node:fs/promises';
import { arch, cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { findServerBinaries, type ServerBinaries } from '../src/postgres/server/find-binaries.ts';
import { chooseInstanceUser } from '../src/postgres/server/instance-user.ts';
import { fillCluster, fillTables } from './cluster.ts';
import { run } from './child.ts';
import { parseOptions, type BenchOptions } from './options.ts';
import { larder } from './peers/larder.ts';
import { bytesBelow, type Peer } from './peers/peer.ts';
import { pgBasebackup } from './peers/pg-basebackup.ts';
import { pgBackRest } from './peers/pgbackrest.ts';
import { renderReport, type Circumstances } from './report.ts';
import { runOnce, runRounds, type PeerRuns } from './rounds.ts';
import { startBenchServer, type Bench, type BenchServer } from './server.ts';
import type { MemoryRun, SmallRun } from './targets.ts';
import { measureWal, WAL_PARTS, type WalFindings } from './wal/measure-wal.ts';

const MAJOR = 18;
const RESULTS = join(import.meta.dirname, 'results.md');

interface Comparison {
  readonly peers: readonly PeerRuns[];
  readonly skipped: readonly string[];
  readonly clusterBytes: number;
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const peersDirectory = process.env['PEERS_DIR'];
  const directory = await mkdtemp(join(tmpdir(), 'larder-bench-'));
  // the servers' account passes through to what is its own
  await chmod(directory, 0o711);
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => controller.abort(new Error(`ended by ${name}`)));
  }
  try {
    const bench: Bench = {
      directory,
      binaries: await findBinaries(peersDirectory),
      user: await chooseInstanceUser(),
      signal: controller.signal,
    };
    const report = await runParts(bench, options, peersDirectory);
    process.stdout.write(report);
    await appendFile(RESULTS, report);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runParts(
  bench: Bench,
  options: BenchOptions,
  peersDirectory: string | undefined,
): Promise<string> {
  const wants = (...parts: readonly string[]): boolean => options.only.some((part) => parts.includes(part));
  const comparison = wants('backup', 'restore') ? await compare(bench, options, peersDirectory) : undefined;
  const memory = wants('memory') ? await measureMemory(bench) : [];
  const small = wants('small') ? await measureSmall(bench, options.rounds) : [];
  const wal = await measureWalParts(bench, options);
  const { peers, skipped, clusterBytes } = comparison ?? { peers: [], skipped: [], clusterBytes: undefined };
  const circumstances: Circumstances = {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    commit: await describeCommit(bench),
    machine: describeMachine(),
    versions: [
      `Node ${process.versions.node}`,
      `PostgreSQL ${bench.binaries.version}`,
      ...peers
        .filter(({ name }) => name !== 'pg_basebackup')
        .map(({ name, version }) => `${name} ${version}`),
    ],
    skipped: [...skipped, ...(wal === 'skipped' ? ['pg_receivewal'] : [])],
    rounds: options.rounds,
    clusterBytes,
  };
  return renderReport(circumstances, {
    peers,
    memory,
    small,
    ...(wal === undefined || wal === 'skipped' ? {} : { wal }),
  });
}

async function compare(
  bench: Bench,
  { rounds, size, only }: BenchOptions,
  peersDirectory: string | undefined,
): Promise<Comparison> {
  await using server = await startFilled(bench, `${size / 1e6} MB`, async (empty) =>
    fillCluster(empty, size),
  );
  const program = peersDirectory === undefined ? 'pgbackrest' : join(peersDirectory, 'usr/bin/pgbackrest');
  const candidates: Record<string, Peer | undefined> = {
    Larder: larder(bench, server),
    pg_basebackup: await pgBasebackup(bench, server),
    pgBackRest: await pgBackRest(program, bench, server),
  };
  const peers = Object.values(candidates).filter((peer) => peer !== undefined);
  const withRestore = only.includes('restore');
  return {
    peers: await runRounds(peers, server, { rounds, withRestore, report: say }),
    skipped: Object.keys(candidates).filter((name) => candidates[name] === undefined),
    clusterBytes: await server.size(),
  };
}

async function measureMemory(bench: Bench): Promise<MemoryRun[]> {
  const contents: Record<string, (server: BenchServer) => Promise<void>> = {
    '200 MB': async (server) => fillCluster(server, 200e6),
    '4 GB': async (server) => fillCluster(server, 4e9),
    '20,000 tables': async (server) => fillTables(server, 20_000),
  };
  const runs: MemoryRun[] = [];
  for (const [what, fill] of Object.entries(contents)) {
    await using server = await startFilled(bench, what, fill);
    const { backup, restore } = await runOnce(larder(bench, server), server, true);
    runs.push({ what, backupPeakBytes: backup.peakBytes, restorePeakBytes: restore?.peakBytes ?? 0 });
  }
  return runs;
}

async function measureSmall(bench: Bench, rounds: number): Promise<SmallRun[]> {
  await using server = await startFilled(bench, 'nothing', async () => Promise.resolve());
  const peer = larder(bench, server);
  const runs: SmallRun[] = [];
  for (let round = 0; round < rounds; round++) {
    await peer.prepare();
    await server.settle();
    const clusterBytes = await bytesBelow(server.home.dataDirectory);
    const before = await server.checkpointSeconds();
    const { wallSeconds } = await peer.backup();
    const checkpointSeconds = (await server.checkpointSeconds()) - before;
    runs.push({ clusterBytes, wallSeconds, checkpointSeconds, objects: await peer.objectCount() });
  }
  return runs;
}

async function measureWalParts(
  bench: Bench,
  { only, rounds }: BenchOptions,
): Promise<WalFindings | 'skipped' | undefined> {
  const parts = WAL_PARTS.filter((part) => only.includes(part));
  if (parts.length === 0) return undefined;
  return (await measureWal(bench, { parts, rounds, report: say })) ?? 'skipped';
}

async function startFilled(
  bench: Bench,
  what: string,
  fill: (server: BenchServer) => Promise<void>,
): Promise<BenchServer> {
  say(`building a cluster with ${what}`);
  const server = await startBenchServer(bench, what.replace(/\W/g, ''));
  try {
    await fill(server);
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** The peers' PostgreSQL when there is one, since pg_basebackup comes with it. */
async function findBinaries(peersDirectory: string | undefined): Promise<ServerBinaries> {
  const search =
    peersDirectory === undefined
      ? {}
      : { directory: join(peersDirectory, 'usr/lib/postgresql', String(MAJOR), 'bin') };
  const found = await findServerBinaries(MAJOR, search);
  if (found === undefined) throw new Error(`PostgreSQL ${MAJOR} is not installed`);
  if (peersDirectory !== undefined && found.origin !== 'configured') {
    throw new Error(`PEERS_DIR=${peersDirectory} holds no PostgreSQL ${MAJOR}`);
  }
  return found;
}

async function describeCommit({ signal }: Bench): Promise<string> {
  const git = async (...args: string[]): Promise<string> =>
    run({ program: 'git', args: ['-C', import.meta.dirname, ...args], user: undefined, signal });
  try {
    const changed = await git('status', '--porcelain', '--', '../src', '../scripts', '../package-lock.json');
    return `${(await git('rev-parse', '--short', 'HEAD')).trim()}${changed === '' ? '' : ' with changes'}`;
  } catch {
    // an unpacked archive
    return 'unknown';
  }
}

function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? arch();
  return `${cpus().length} × ${model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}`;
}

function say(line: string): void {
  process.stderr.write(`bench: ${line}\n`);
}

try {
  await main();
} catch (error) {
  say(Error.isError(error) ? error.message : String(error));
  process.exitCode = 1;
}
