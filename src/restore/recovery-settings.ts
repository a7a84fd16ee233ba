/**
 * What a restored copy must not take over from the server it is a copy of. A clone that archives writes into the
 * production archive under the same names and breaks it (pgBackRest #1616); one that still names its old primary, or a
 * slot there, connects to it.
 */
const CLEARED_SETTINGS = [
  ["archive_mode = 'off'", 'the copy must not write into the archive of the server it was copied from'],
  ["primary_conninfo = ''", 'nor follow that server'],
  ["primary_slot_name = ''", 'nor hold a slot on it'],
  ["recovery_target = ''", 'targets of an earlier recovery'],
  ["restore_command = ''", 'and its archive'],
] as const;

/** Files that would make a copy start as a standby, or into an earlier recovery: they say what the source was doing. */
export const LEFT_OUT = new Set(['standby.signal', 'recovery.signal', 'postmaster.pid', 'postmaster.opts']);

/**
 * `postgresql.auto.conf` with our settings behind its own: the last one of a name counts.
 * @param backupId for the comment
 */
export function withClearedSettings(autoConf: string, backupId: string): string {
  const lines = CLEARED_SETTINGS.map(([setting, reason]) => `${setting}  # ${reason}`);
  const own = autoConf === '' || autoConf.endsWith('\n') ? autoConf : `${autoConf}\n`;
  return `${own}# written by larder when it restored ${backupId}; remove once this copy takes the server's place\n${lines.join('\n')}\n`;
}
