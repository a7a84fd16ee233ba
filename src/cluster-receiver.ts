import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from './clock.ts';
import { spoolDirectory } from './cluster-parts.ts';
import { readProcessIdentity } from './process-identity.ts';
import { decodeStatus, STATUS_FILE, type PublishedStatus } from './transaction-log/receiver-status.ts';
import { Spool } from './transaction-log/spool.ts';

/** What a receiver of the cluster on this host says of itself; `undefined` where none runs. */
export async function readReceiver(
  stateDirectory: string,
  cluster: string,
  clock: Clock,
): Promise<PublishedStatus | undefined> {
  const directory = spoolDirectory(stateDirectory, cluster);
  if ((await Spool.holder(directory, readProcessIdentity(), clock)) === undefined) return undefined;
  return decodeStatus(await readFile(join(directory, STATUS_FILE), 'utf8').catch(() => ''));
}
