import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../errors.ts';
import { parseLsn, type Lsn } from '../postgres/lsn.ts';

/** Where recovery begins; PostgreSQL reads it once, at the first start (xlogrecovery.c, read_backup_label). */
export const BACKUP_LABEL = 'backup_label';

/**
 * The label of a backup whose files were put together: without the lines that say since when the server sent changes, at
 * which it would refuse to start (pg_combinebackup does the same).
 * @returns undefined where there is nothing to take away
 */
export function completeBackupLabel(label: string): string | undefined {
  const lines = label.split('\n');
  const kept = lines.filter((line) => !line.startsWith('INCREMENTAL FROM '));
  return kept.length === lines.length ? undefined : kept.join('\n');
}

/** Where the recovery of a restored directory begins, before its first start and after it; `undefined` where nothing says. */
export async function recoveryStart(dataDirectory: string): Promise<Lsn | undefined> {
  for (const name of [BACKUP_LABEL, `${BACKUP_LABEL}.old`]) {
    try {
      const label = await readFile(join(dataDirectory, name), 'utf8');
      return parseLsn(/^START WAL LOCATION: ([0-9A-F]+\/[0-9A-F]+) /m.exec(label)?.[1] ?? '');
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
    }
  }
  return undefined;
}
