import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run, type Command } from '../child.ts';
import { fillCluster } from '../cluster.ts';
import { startFilled } from '../filled-server.ts';
import { insertNewOrders } from '../incremental/new-orders.ts';
import { findInstallation } from '../installations.ts';
import { measure, type Measurement } from '../measure.ts';
import { backupsIn, larderEnvironment } from '../peers/larder.ts';
import type { Bench, BenchServer } from '../server.ts';

export const VERIFY_PARTS = ['verify'] as const;

const MAJOR = 18;

/** Proofs by a real restore, a round each. */
export interface VerifyFindings {
  readonly serverVersion: string;
  readonly clusterBytes: number;
  /** Of the full backup, with nothing there. */
  readonly full: readonly Measurement[];
  /** Of the incremental one behind it, over the copy that was kept. */
  readonly incremental: readonly Measurement[];
}

export interface VerifyOptions {
  readonly rounds: number;
  /** Of the cluster, bytes. */
  readonly size: number;
  readonly peerDirectories: readonly string[];
  readonly report: (line: string) => void;
}

/** Proves a full backup and the one that builds on it, as `larder verify` does with `scratch: keep`. */
export async function measureVerify(bench: Bench, options: VerifyOptions): Promise<VerifyFindings> {
  const { rounds, size, report } = options;
  const { binaries } = await findInstallation(MAJOR, options.peerDirectories);
  const own = { ...bench, binaries };
  await using server = await startFilled(own, {
    what: `${size / 1e6} MB for proofs`,
    fill: async (empty) => fillCluster(empty, size),
    settings: { summarize_wal: 'on' },
    report,
  });
  const full: Measurement[] = [];
  const incremental: Measurement[] = [];
  for (let round = 0; round < rounds; round++) {
    const proofs = await prepare(own, server, round);
    await run(proofs.command('backup', '--full'));
    full.push(await prove(proofs, server));
    report(`round ${round + 1}: proof of a full backup: ${full.at(-1)?.wallSeconds.toFixed(2) ?? ''} s`);
    await insertNewOrders(server);
    await run(proofs.command('backup', '--incremental'));
    incremental.push(await prove(proofs, server));
    report(
      `round ${round + 1}: of an incremental one: ${incremental.at(-1)?.wallSeconds.toFixed(2) ?? ''} s`,
    );
    await rm(proofs.directory, { recursive: true, force: true });
  }
  return { serverVersion: binaries.version, clusterBytes: await server.size(), full, incremental };
}

interface Proofs {
  readonly directory: string;
  readonly repository: string;
  readonly command: (...args: string[]) => Command;
}

async function prepare(bench: Bench, server: BenchServer, round: number): Promise<Proofs> {
  const directory = join(server.home.directory, `proofs-${round}`);
  await mkdir(directory);
  // the copy's server has an account of its own, and passes through
  await chmod(directory, 0o711);
  const environment = {
    ...larderEnvironment(server, directory),
    LARDER_VERIFY_SCRATCH: 'keep',
    LARDER_VERIFY_SCRATCH_DIRECTORY: join(directory, 'scratch'),
    LARDER_VERIFY_BINARIES: bench.binaries.directory,
  };
  const command = (...args: string[]): Command => ({
    program: bench.larder,
    args,
    environment,
    user: undefined,
    signal: bench.signal,
  });
  return { directory, repository: environment.BACKUP_DIR, command };
}

async function prove({ repository, command }: Proofs, server: BenchServer): Promise<Measurement> {
  await server.settle();
  const id = (await backupsIn(repository)).at(-1)?.id ?? '';
  return measure(command('verify', id));
}
