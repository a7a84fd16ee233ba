import { formatLsn } from '../postgres/lsn.ts';
import { UNFINISHED_MARKER } from './unfinished-marker.ts';
import { formatTimestamp } from './recovery/parse-time.ts';
import type { RecoveryPlan, RecoveryTarget } from './recovery/recovery-plan.ts';

/**
 * What a restored copy must not take over from the server it is a copy of. A clone that archives writes into the
 * production archive under the same names and breaks it (pgBackRest #1616); one that still names its old primary, or a
 * slot there, connects to it.
 */
const CLEARED_SETTINGS = [
  ["archive_mode = 'off'", 'the copy must not write into the archive of the server it was copied from'],
  ["primary_conninfo = ''", 'nor follow that server'],
  ["primary_slot_name = ''", 'nor hold a slot on it'],
  // the slot of a subscription has one place only: who connects first gets the changes, and the original misses them
  ['max_logical_replication_workers = 0', 'nor take the changes that its subscriptions wait for'],
  ["synchronous_standby_names = ''", 'nor wait at every commit for a receiver that follows that server'],
  ["archive_cleanup_command = ''", 'nor remove anything from its archive'],
  ["recovery_end_command = ''", ''],
  ['recovery_min_apply_delay = 0', ''],
  ["restore_command = ''", 'the archive and the targets of an earlier recovery'],
  ["recovery_target = ''", ''],
  ["recovery_target_lsn = ''", ''],
  ["recovery_target_name = ''", ''],
  ["recovery_target_time = ''", ''],
  ["recovery_target_xid = ''", ''],
] as const;

/** Files that would make a copy start as a standby, or into an earlier recovery: they say what the source was doing. */
export const LEFT_OUT = new Set([
  'standby.signal',
  'recovery.signal',
  'postmaster.pid',
  'postmaster.opts',
  // of an earlier recovery of the source: they name its places, and where that began
  'backup_label.old',
  'tablespace_map.old',
  // left where a restore died at its very last step, and a server was started all the same
  UNFINISHED_MARKER,
]);

/**
 * `postgresql.auto.conf` with our settings behind its own: the last one of a name counts.
 * @param backupId for the comment
 */
export function withClearedSettings(autoConf: string, backupId: string): string {
  const comment = `# written by larder when it restored ${backupId}; remove once this copy takes the server's place`;
  return appended(autoConf, [comment, ...clearedLines()]);
}

/**
 * The same with the settings of a recovery behind it. The emptied targets come first: PostgreSQL refuses a second target
 * even when it is empty, once another one is set.
 * @param command what PostgreSQL calls for each file of the archive
 * @param keepSourceSettings leaves archiving and replication as the source had them
 */
export function withRecoverySettings(
  autoConf: string,
  { backupId, recovery, command, keepSourceSettings }: RecoverySettings,
): string {
  const cleared = clearedLines().filter((line) => !keepSourceSettings || line.startsWith('recovery_target'));
  const comment = `# written by larder when it restored ${backupId}; remove once the recovery is over`;
  return appended(autoConf, [comment, ...cleared, ...recoveryLines(recovery, command)]);
}

interface RecoverySettings {
  readonly backupId: string;
  readonly recovery: RecoveryPlan;
  readonly command: string;
  readonly keepSourceSettings: boolean;
}

function clearedLines(): string[] {
  return CLEARED_SETTINGS.map(([setting, reason]) => (reason === '' ? setting : `${setting}  # ${reason}`));
}

function recoveryLines({ target, path, action }: RecoveryPlan, command: string): string[] {
  const inclusive = 'inclusive' in target ? target.inclusive : true;
  return [
    `restore_command = ${quoted(command)}`,
    `recovery_target_timeline = '${path.timeline}'`,
    `recovery_target_action = '${action}'`,
    `recovery_target_inclusive = ${inclusive ? 'on' : 'off'}`,
    targetLine(target),
  ];
}

function targetLine(target: RecoveryTarget): string {
  switch (target.kind) {
    case 'end':
    case 'lsn':
      return `recovery_target_lsn = '${formatLsn(target.lsn)}'`;
    case 'time':
      return `recovery_target_time = '${formatTimestamp(target.time)}'`;
    case 'xid':
      return `recovery_target_xid = '${target.transaction}'`;
    case 'name':
      return `recovery_target_name = ${quoted(target.name)}`;
  }
}

/** A value of postgresql.conf: backslashes are escapes there (guc-file.l, DeescapeQuotedString). */
function quoted(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** The same with a port of its own: on its source's, clients and the receiver would take the copy for the source. */
export function withPort(autoConf: string, port: number): string {
  return appended(autoConf, [`port = ${port}  # as asked for when larder restored it`]);
}

function appended(autoConf: string, lines: readonly string[]): string {
  const own = autoConf === '' || autoConf.endsWith('\n') ? autoConf : `${autoConf}\n`;
  return `${own}${lines.join('\n')}\n`;
}
