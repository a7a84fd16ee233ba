import { appendFile, chmod, mkdtemp, rm } from 'node:fs/promises';
import { arch, cpus, release, tmpdir, totalmem } from 'node:os';
import { delimiter, join } from 'node:path';
import { chooseInstanceUser } from '../src/postgres/server/instance-user.ts';
import { fillCluster, fillTables } from './cluster.ts';
import { run } from './child.ts';
import { startFilled } from './filled-server.ts';
import {
  INCREMENTAL_PARTS,
  measureIncremental,
  type IncrementalFindings,
} from './incremental/measure-incremental.ts';
import { IDLE_PARTS, measureIdle, type IdleFindings } from './idle/measure-idle.ts';
import { findInstallation, parsePeerDirectories, type Installation } from './installations.ts';
import { installLarder } from './installed-larder.ts';
import { parseOptions, type BenchOptions } from './options.ts';
import { larder } from './peers/larder.ts';
import { bytesBelow, type Peer } from './peers/peer.ts';
import { pgBasebackup } from './peers/pg-basebackup.ts';
import { pgBackRest } from './peers/pgbackrest.ts';
import { renderReport, type Circumstances } from './report.ts';
import { runOnce, runRounds, type PeerRuns } from './rounds.ts';
import type { Bench, BenchServer } from './server.ts';
import type { MemoryRun, SmallRun } from './targets.ts';
import { measureVerify, VERIFY_PARTS, type VerifyFindings } from './verify/measure-verify.ts';
import { measureWal, WAL_PARTS, type WalFindings } from './wal/measure-wal.ts';

const MAJOR = 18;
const RESULTS = join(import.meta.dirname, 'results.md');

/** Where peers are looked for. */
interface Peers {
  /** pgBackRest of the same installation as the server. */
  readonly program: string;
  readonly peerDirectories: readonly string[];
}

interface Comparison {
  readonly peers: readonly PeerRuns[];
  readonly skipped: readonly string[];
  readonly clusterBytes: number | undefined;
}

const NOT_COMPARED: Comparison = { peers: [], skipped: [], clusterBytes: undefined };

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const peerDirectories = parsePeerDirectories(process.env['PEERS_DIR']);
  const directory = await mkdtemp(join(tmpdir(), 'larder-bench-'));
  // the servers' account passes through to what is its own
  await chmod(directory, 0o711);
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => controller.abort(new Error(`ended by ${name}`)));
  }
  try {
    const { binaries, pgBackRest: program } = await findLatest(peerDirectories);
    const user = await chooseInstanceUser();
    const { signal } = controller;
    const larder = await installLarder(join(directory, 'larder'), signal);
    const bench: Bench = { directory, binaries, user, larder, signal };
    const report = await runParts(bench, options, { program, peerDirectories });
    process.stdout.write(report);
    await appendFile(RESULTS, report);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runParts(bench: Bench, options: BenchOptions, where: Peers): Promise<string> {
  const wants = (...parts: readonly string[]): boolean => options.only.some((part) => parts.includes(part));
  const { peers, skipped, clusterBytes } = wants('backup', 'restore')
    ? await compare(bench, options, where)
    : NOT_COMPARED;
  const memory = wants('memory') ? await measureMemory(bench) : [];
  const small = wants('small') ? await measureSmall(bench, options.rounds) : [];
  const wal = await measureWalParts(bench, options);
  const incremental = await measureIncrementalParts(bench, options, where);
  const idle = await measureIdleParts(bench, options);
  const verify = await measureVerifyParts(bench, options, where);
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
    incremental,
    idle,
    verify,
  });
}

async function compare(
  bench: Bench,
  { rounds, size, only }: BenchOptions,
  { program }: Peers,
): Promise<Comparison> {
  await using server = await startFilled(bench, {
    what: `${size / 1e6} MB`,
    fill: async (empty) => fillCluster(empty, size),
    report: say,
  });
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
    await using server = await startFilled(bench, { what, fill, report: say });
    const { backup, restore } = await runOnce(larder(bench, server), server, true);
    runs.push({ what, backupPeakBytes: backup.peakBytes, restorePeakBytes: restore?.peakBytes ?? 0 });
  }
  return runs;
}

async function measureSmall(bench: Bench, rounds: number): Promise<SmallRun[]> {
  await using server = await startFilled(bench, {
    what: 'nothing',
    fill: async () => Promise.resolve(),
    report: say,
  });
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

async function measureIncrementalParts(
  bench: Bench,
  { only, rounds, size }: BenchOptions,
  { peerDirectories }: Peers,
): Promise<IncrementalFindings | undefined> {
  const parts = INCREMENTAL_PARTS.filter((part) => only.includes(part));
  if (parts.length === 0) return undefined;
  return measureIncremental(bench, { parts, rounds, size, peerDirectories, report: say });
}

async function measureIdleParts(
  bench: Bench,
  { only, rounds }: BenchOptions,
): Promise<IdleFindings | undefined> {
  if (!IDLE_PARTS.some((part) => only.includes(part))) return undefined;
  return measureIdle(bench, { rounds, report: say });
}

async function measureVerifyParts(
  bench: Bench,
  { only, rounds, size }: BenchOptions,
  { peerDirectories }: Peers,
): Promise<VerifyFindings | undefined> {
  if (!VERIFY_PARTS.some((part) => only.includes(part))) return undefined;
  return measureVerify(bench, { rounds, size, peerDirectories, report: say });
}

/** That of the peers when they are named: a comparison with them needs it. */
async function findLatest(peerDirectories: readonly string[]): Promise<Installation> {
  const found = await findInstallation(MAJOR, peerDirectories);
  if (peerDirectories.length > 0 && found.binaries.origin !== 'configured') {
    throw new Error(`PEERS_DIR=${peerDirectories.join(delimiter)} holds no PostgreSQL ${MAJOR}`);
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
