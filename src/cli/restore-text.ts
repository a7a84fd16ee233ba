import { majorOf } from '../postgres/version.ts';
import type { InstanceUser } from '../postgres/server/instance-user.ts';
import { formatLsn } from '../postgres/lsn.ts';
import { formatTimestamp } from '../restore/recovery/parse-time.ts';
import type { RecoveryPlan, RecoveryTarget } from '../restore/recovery/recovery-plan.ts';
import { LEFT_OUT } from '../restore/recovery-settings.ts';
import type { BelievedBytes, RestorePlan, RestoreRequest } from '../restore/plan.ts';
import { formatBytes, formatTime, plural } from '../format.ts';

const STATES = {
  absent: 'will be made',
  empty: 'is empty',
  unfinished: 'holds a restore that was broken off, which is removed first',
  copy: 'holds an earlier copy of the cluster, of which only what differs is written',
} as const;

/** What was decided beside the plan. */
export interface Decision {
  readonly owner: InstanceUser | undefined;
  readonly remarks: readonly string[];
}

/** What a restore will do, for a reader. */
export function planFacts(
  plan: RestorePlan,
  { owner, remarks }: Decision,
): readonly (readonly [name: string, value: string])[] {
  const { backup, store, sourceSettings } = plan.request;
  return [
    [
      'backup',
      `${backup.id}${backup.state === 'complete' ? '' : ' (DAMAGED: the server found damaged pages)'}`,
    ],
    ...targetFacts(plan.request),
    ...remarks.map((remark) => ['note', remark] as const),
    ['server', `PostgreSQL ${majorOf(backup.serverVersionNumber)}`],
    ['into', `${plan.target.path}, which ${STATES[plan.target.state]}`],
    ...plan.tablespaces
      .filter(({ linked }) => linked)
      .map(({ oid, location, directory }) => ['tablespace', moved(oid, location, directory)] as const),
    ...copyFacts(plan),
    ['reads', `${atMost(plan)}${formatBytes(plan.storedBytes)} of ${store.description}`],
    ['writes', `${atMost(plan)}${formatBytes(plan.bytes)} in ${plural(plan.files.length, 'file')}`],
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

function copyFacts({ copy, request, target }: RestorePlan): (readonly [string, string])[] {
  if (!request.delta) return [];
  if (copy === undefined)
    return [['note', `there is no earlier copy in ${target.path}: everything is written (--delta)`]];
  const { files, bytes, believed, removedFiles } = copy;
  return [
    ['compares', `${formatBytes(bytes)} in ${plural(files - (believed?.files ?? 0), 'file')} of the copy`],
    ...(believed === null ? [] : [believedFact(believed)]),
    ['removes', removedFiles === 0 ? 'nothing' : `${plural(removedFiles, 'file')} that do not belong`],
  ];
}

function believedFact({ files, bytes, backup, why }: BelievedBytes): readonly [string, string] {
  const left =
    backup === null ? '' : ` in ${plural(files, 'file')}, untouched since the restore of ${backup}`;
  return ['keeps unread', why === null ? `${formatBytes(bytes)}${left}` : `nothing: ${why}`];
}

/** How much differs is known only once it is compared. */
function atMost({ copy }: RestorePlan): string {
  return copy === undefined ? '' : 'at most ';
}

/** The same for programs. */
export function planJson(plan: RestorePlan, { owner, remarks }: Decision): object {
  const { backup, store, sourceSettings, recovery } = plan.request;
  return {
    backup: backup.id,
    endTime: backup.endTime,
    stopLsn: backup.stopLsn,
    recovery: recovery === undefined ? null : recoveryJson(recovery),
    remarks,
    repository: store.description,
    directory: plan.target.path,
    directoryState: plan.target.state,
    tablespaces: plan.tablespaces.map(({ oid, location, directory }) => ({ oid, location, directory })),
    readBytes: plan.storedBytes,
    writtenBytes: plan.bytes,
    copy: plan.copy ?? null,
    files: plan.files.length,
    owner: owner ?? null,
    leftOut: [...LEFT_OUT],
    sourceSettings,
  };
}

function targetFacts({ backup, recovery }: RestoreRequest): readonly (readonly [string, string])[] {
  const own = `the end of the backup, ${formatTime(backup.endTime)}, LSN ${backup.stopLsn}`;
  if (recovery === undefined) return [['restores to', own]];
  const { from, until, path, action } = recovery;
  return [
    ['restores to', targetText(recovery.target)],
    [
      'log',
      `${formatLsn(from)} - ${formatLsn(until)}, ${formatBytes(Number(until - from))} on timeline ${path.timeline}`,
    ],
    ['then', action === 'promote' ? 'the server is promoted' : `the server will ${action}`],
  ];
}

function targetText(target: RecoveryTarget): string {
  const before = 'inclusive' in target && !target.inclusive ? 'just before ' : '';
  switch (target.kind) {
    case 'end':
      return `the end of the archive (its last record, ${formatLsn(target.lsn)}, included)`;
    case 'time':
      return `${before}${formatTimestamp(target.time)}`;
    case 'lsn':
      return `${before}LSN ${formatLsn(target.lsn)}`;
    case 'xid':
      return `${before}the end of transaction ${target.transaction}`;
    case 'name':
      return `the restore point ${target.name}`;
  }
}

function recoveryJson({ target, path, from, until, action }: RecoveryPlan): object {
  return {
    target: {
      ...target,
      ...('lsn' in target ? { lsn: formatLsn(target.lsn) } : {}),
      ...('time' in target ? { time: formatTimestamp(target.time) } : {}),
    },
    timeline: path.timeline,
    from: formatLsn(from),
    until: formatLsn(until),
    action,
  };
}

function moved(oid: number, location: string, directory: string): string {
  return location === directory ? `${oid} at ${directory}` : `${oid} at ${directory}, before at ${location}`;
}
