import { resolve } from 'node:path';
import type { Command } from 'commander';
import { clusterParts } from '../cluster-parts.ts';
import { CLUSTER_DEFAULTS } from '../config/schema.ts';
import { LarderError } from '../errors.ts';
import { openRepository } from '../repository/repository.ts';
import type { ObjectStore, StoreLocation } from '../storage/object-store.ts';
import { openStore } from '../storage/open-store.ts';
import { chooseCluster } from './choose-cluster.ts';
import type { CliParts } from './cli-parts.ts';

/** How a command that only reads a repository is told which one. */
export interface RepositoryOptions {
  readonly cluster?: string;
  readonly repository?: string;
}

/** A repository, and how many threads may read it. */
export interface ReadableRepository {
  readonly store: ObjectStore;
  readonly location: StoreLocation;
  readonly workers: number;
}

/** Adds `--cluster` and `--repository`. */
export function withRepositoryOptions(command: Command): Command {
  return command
    .option('--cluster <name>', 'which cluster, when the configuration describes several')
    .option('--repository <dir>', 'this repository, without any configuration');
}

/**
 * The repository of the options, opened for reading. With `--repository` nothing else is needed: the server and its
 * configuration may be gone. Throws USAGE, CONFIG_INVALID and as `openRepository`; a damaged record of the repository
 * itself is only told of, since the backups in it may be whole.
 */
export async function openForReading(
  parts: CliParts,
  options: RepositoryOptions,
): Promise<ReadableRepository> {
  const repository = await chooseRepository(parts, options);
  try {
    await openRepository(repository.store, repository.location);
  } catch (error) {
    if (!(error instanceof LarderError) || error.code !== 'REPOSITORY_DAMAGED') throw error;
    parts.stderr.write(`warning: ${error.message}\n`);
  }
  return repository;
}

async function chooseRepository(parts: CliParts, options: RepositoryOptions): Promise<ReadableRepository> {
  if (options.repository === undefined) {
    const cluster = chooseCluster(await parts.loadConfig(), options.cluster);
    return { ...clusterParts(cluster), workers: cluster.workers };
  }
  const directory = resolve(parts.workingDirectory, options.repository);
  const location = { kind: 'filesystem', directory } as const;
  return { location, store: openStore(location), workers: CLUSTER_DEFAULTS.backup.workers };
}
