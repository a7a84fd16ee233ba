import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../../errors.ts';
import { writeDurably, type Owner } from '../../restore/durable.ts';

const FILE = 'postgresql.auto.conf';
/** Where a restore's own lines begin (`restore/recovery-settings.ts`). */
const OURS = /^# written by larder when it restored .*$/gm;

/**
 * Leaves of `postgresql.auto.conf` what the restore itself wrote. It is read whatever configuration file the server is given,
 * and what ALTER SYSTEM said on the source may name programs, libraries and other hosts.
 */
export async function keepOwnSettings(dataDirectory: string, owner: Owner | undefined): Promise<void> {
  const path = join(dataDirectory, FILE);
  try {
    const text = ownSettings(await readFile(path, 'utf8'));
    await writeDurably(path, Buffer.from(text), owner);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
}

/** Everything from the last of the restore's own comments on; a source that was restored itself has earlier ones. */
export function ownSettings(text: string): string {
  const last = [...text.matchAll(OURS)].at(-1);
  return last === undefined ? '' : text.slice(last.index);
}
