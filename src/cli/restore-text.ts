import { majorOf } from '../postgres/version.ts';
import type { InstanceUser } from '../postgres/server/instance-user.ts';
import { LEFT_OUT } from '../restore/recovery-settings.ts';
import type { RestorePlan } from '../restore/plan.ts';
import { formatBytes, formatTime, plural } from './format.ts';

const STATES = {
  absent: 'will be made',
  empty: 'is empty',
  unfinished: 'holds a restore that was broken off, which is removed first',
} as const;

/** What a restore will do, for a reader. */
export function planFacts(
  plan: RestorePlan,
  owner: InstanceUser | undefined,
): readonly (readonly [name: string, value: string])[] {
  const { backup, store, sourceSettings } = plan.request;
  return [
    [
      'backup',
      `${backup.id}${backup.state === 'complete' ? '' : ' (DAMAGED: the server found damaged pages)'}`,
    ],
    ['restores to', `the end of the backup, ${formatTime(backup.endTime)}, LSN ${backup.stopLsn}`],
    ['server', `PostgreSQL ${majorOf(backup.serverVersionNumber)}`],
    ['into', `${plan.target.path}, which ${STATES[plan.target.state]}`],
    ...plan.tablespaces
      .filter(({ linked }) => linked)
      .map(({ oid, location, directory }) => ['tablespace', moved(oid, location, directory)] as const),
    ['reads', `${formatBytes(plan.storedBytes)} of ${store.description}`],
    ['writes', `${formatBytes(plan.bytes)} in ${plural(plan.files.length, 'file')}`],
    ['owner', owner === undefined ? 'you' : owner.name],
    ['leaves out', [...LEFT_OUT].join(', ')],
    [
      'changes',
      sourceSettings === 'keep'
        ? 'nothing: archiving and replication are set as on the source'
        : 'archiving off; restore_command, primary_conninfo, slot and recovery target emptied (postgresql.auto.conf)',
    ],
  ];
}

/** The same for programs. */
export function planJson(plan: RestorePlan, owner: InstanceUser | undefined): object {
  const { backup, store, sourceSettings } = plan.request;
  return {
    backup: backup.id,
    endTime: backup.endTime,
    stopLsn: backup.stopLsn,
    repository: store.description,
    directory: plan.target.path,
    directoryState: plan.target.state,
    tablespaces: plan.tablespaces.map(({ oid, location, directory }) => ({ oid, location, directory })),
    readBytes: plan.storedBytes,
    writtenBytes: plan.bytes,
    files: plan.files.length,
    owner: owner ?? null,
    leftOut: [...LEFT_OUT],
    sourceSettings,
  };
}

function moved(oid: number, location: string, directory: string): string {
  return location === directory ? `${oid} at ${directory}` : `${oid} at ${directory}, before at ${location}`;
}
