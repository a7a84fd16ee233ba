import { fillCluster } from '../cluster.ts';
import { startFilled } from '../filled-server.ts';
import { findInstallation, type Installation } from '../installations.ts';
import { larder } from '../peers/larder.ts';
import { pgBasebackup } from '../peers/pg-basebackup.ts';
import { pgBackRest } from '../peers/pgbackrest.ts';
import type { Bench, BenchServer } from '../server.ts';
import { measureChainRestores, type ChainRestores } from './chain-restores.ts';
import { compareIncrementals, type ComparedIncrementals } from './compare-incrementals.ts';
import { chainOf, fullBackups } from './contender.ts';
import { residentLarder } from './resident.ts';

export const INCREMENTAL_PARTS = [
  'incremental-18',
  'incremental-17',
  'incremental-15',
  'incremental-restore',
] as const;

export type IncrementalPart = (typeof INCREMENTAL_PARTS)[number];

/** What was found on one server. */
export interface IncrementalFinding extends ComparedIncrementals {
  readonly major: number;
  /** As the server writes it. */
  readonly serverVersion: string;
  readonly clusterBytes: number;
  /** Peers that are not there. */
  readonly skipped: readonly string[];
}

export interface RestoreFinding extends ChainRestores {
  readonly serverVersion: string;
  readonly clusterBytes: number;
}

/** What the parts that ran found. */
export interface IncrementalFindings {
  readonly compared: readonly IncrementalFinding[];
  readonly restore?: RestoreFinding;
}

export interface IncrementalOptions {
  readonly parts: readonly IncrementalPart[];
  readonly rounds: number;
  /** Of each cluster, bytes. */
  readonly size: number;
  readonly peerDirectories: readonly string[];
  readonly report: (line: string) => void;
}

/** The server tells what changed. */
const SUMMARIZING = { summarize_wal: 'on' };

/** Each part on a server of its own. */
export async function measureIncremental(
  bench: Bench,
  options: IncrementalOptions,
): Promise<IncrementalFindings> {
  const { parts } = options;
  const compared: IncrementalFinding[] = [];
  if (parts.includes('incremental-18')) compared.push(await compareWithPeers(bench, 18, options));
  if (parts.includes('incremental-17')) compared.push(await compareWithPeers(bench, 17, options));
  if (parts.includes('incremental-15')) compared.push(await compareWithFull(bench, 15, options));
  if (!parts.includes('incremental-restore')) return { compared };
  return { compared, restore: await restoreChain(bench, 18, options) };
}

async function compareWithPeers(
  bench: Bench,
  major: number,
  options: IncrementalOptions,
): Promise<IncrementalFinding> {
  const installation = await findInstallation(major, options.peerDirectories);
  const own = { ...bench, binaries: installation.binaries };
  await using server = await startServer(own, options, SUMMARIZING);
  const ours = larder(own, server);
  const peers = {
    pg_basebackup: await pgBasebackup(own, server),
    pgBackRest: await pgBackRest(installation.pgBackRest, own, server),
  };
  await using resident = await residentLarder(own, server);
  const chains = [ours, peers.pg_basebackup, peers.pgBackRest].flatMap((peer) =>
    peer === undefined ? [] : [chainOf(peer)],
  );
  const contenders = [...chains, resident];
  return {
    ...(await describe(installation, server)),
    ...(await compareIncrementals({ ...options, server, ours, contenders })),
    skipped: Object.entries(peers).flatMap(([name, peer]) => (peer === undefined ? [name] : [])),
  };
}

/** A server that does not tell what changed: all that it sends is compared, so a full backup is what to measure against. */
async function compareWithFull(
  bench: Bench,
  major: number,
  options: IncrementalOptions,
): Promise<IncrementalFinding> {
  const installation = await findInstallation(major, options.peerDirectories);
  const own = { ...bench, binaries: installation.binaries };
  await using server = await startServer(own, options, {});
  const ours = larder(own, server);
  const contenders = [chainOf(ours), fullBackups(larder(own, server, 'larder-full'))];
  return {
    ...(await describe(installation, server)),
    ...(await compareIncrementals({ ...options, server, ours, contenders })),
    skipped: [],
  };
}

async function restoreChain(
  bench: Bench,
  major: number,
  options: IncrementalOptions,
): Promise<RestoreFinding> {
  const installation = await findInstallation(major, options.peerDirectories);
  const own = { ...bench, binaries: installation.binaries };
  await using server = await startServer(own, options, SUMMARIZING);
  return {
    ...(await describe(installation, server)),
    ...(await measureChainRestores(server, larder(own, server), options)),
  };
}

async function startServer(
  bench: Bench,
  { size, report }: IncrementalOptions,
  settings: Readonly<Record<string, string>>,
): Promise<BenchServer> {
  const what = `${size / 1e6} MB for PostgreSQL ${bench.binaries.major}`;
  return startFilled(bench, { what, fill: async (empty) => fillCluster(empty, size), settings, report });
}

async function describe(
  { binaries }: Installation,
  server: BenchServer,
): Promise<Pick<IncrementalFinding, 'major' | 'serverVersion' | 'clusterBytes'>> {
  return {
    major: binaries.major,
    serverVersion: binaries.version,
    clusterBytes: await server.size(),
  };
}
