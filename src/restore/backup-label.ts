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
