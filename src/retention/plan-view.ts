import { formatLsn } from '../postgres/lsn.ts';
import type { ExpiryMark } from '../repository/expiry-mark.ts';
import type { BackupType } from '../repository/layout.ts';
import type { BackupVerdict } from './plan.ts';
import type { LogReason, LogVerdict } from './plan-log.ts';
import type { RetentionPolicy } from './policy.ts';
import { keepText, removeText } from './reason.ts';
import type { RetentionPlan } from './retention-plan.ts';
import { stepsOf } from './steps.ts';

/** A plan beside what is needed to tell when it is carried out. */
export interface ShownPlan {
  readonly plan: RetentionPlan;
  readonly marks: readonly ExpiryMark[];
  readonly policy: RetentionPolicy;
}

/** A plan as programs are shown it; times are ISO 8601. */
export interface PlanView {
  readonly time: string;
  readonly policy: RetentionPolicy;
  readonly backups: readonly BackupPlanView[];
  readonly logs: readonly LogPlanView[];
  /** To be freed in all, and by the next run. */
  readonly bytes: { readonly all: number; readonly now: number };
}

export interface BackupPlanView {
  readonly id: string;
  readonly type: BackupType | null;
  readonly bytes: number | null;
  readonly keep: boolean;
  /** Why it is kept, or which rules kept it until when. */
  readonly reasons: readonly { readonly text: string }[];
  /** The next run removes it. */
  readonly due: boolean;
  readonly removableFrom: string | null;
}

export interface LogPlanView {
  readonly systemIdentifier: string;
  /** Why all of it is. */
  readonly kept: string | null;
  readonly timelines: readonly {
    readonly timeline: number;
    readonly keepFrom: string;
    readonly because: LogReason | null;
    readonly objects: number;
    readonly bytes: number;
  }[];
}

/** The plan for programs. */
export function viewPlan(shown: ShownPlan): PlanView {
  const { plan, policy } = shown;
  const due = dueBackups(shown);
  return {
    time: new Date(plan.now).toISOString(),
    policy,
    backups: plan.backups.map((verdict) => viewBackup(verdict, due, shown)),
    logs: plan.logs.map(viewLog),
    bytes: freedBytes(shown),
  };
}

function viewBackup(verdict: BackupVerdict, due: ReadonlySet<string>, shown: ShownPlan): BackupPlanView {
  const { id, record, keep, reasons, expired } = verdict;
  const removable = removableFrom(verdict, shown);
  return {
    id,
    type: record?.type ?? null,
    bytes: record?.storedBytes ?? null,
    keep,
    reasons: keep
      ? reasons.map((reason) => ({ ...reason, text: keepText(reason) }))
      : expired.map((rule) => ({ ...rule, text: removeText(rule) })),
    due: due.has(id),
    removableFrom: removable === undefined ? null : new Date(removable).toISOString(),
  };
}

/** The backups that the next run removes. */
export function dueBackups({ plan, marks, policy }: ShownPlan): Set<string> {
  return new Set(stepsOf(plan, marks, policy).backups.map(({ id }) => id));
}

/** When the mark of a backup will have stood long enough; undefined where it is kept or not marked yet. */
export function removableFrom(
  { id, keep }: BackupVerdict,
  { plan, marks, policy }: ShownPlan,
): number | undefined {
  const marked = keep ? undefined : marks.find(({ of }) => of === id)?.marked;
  return marked === undefined || marked > plan.now ? undefined : marked + policy.grace;
}

function viewLog({ systemIdentifier, timelines, kept }: LogVerdict): LogPlanView {
  return {
    systemIdentifier,
    kept: kept ?? null,
    timelines: timelines.map(({ timeline, keepFrom, because, removable }) => ({
      timeline,
      keepFrom: formatLsn(keepFrom),
      because: because ?? null,
      objects: removable.length,
      bytes: sizeOf(removable),
    })),
  };
}

/** What removing all that is not kept frees, and what the next run does. */
export function freedBytes({ plan, marks, policy }: ShownPlan): {
  readonly all: number;
  readonly now: number;
} {
  const steps = stepsOf(plan, marks, policy);
  const backups = plan.backups.flatMap(({ keep, record }) => (keep ? [] : (record ?? [])));
  const logs = plan.logs.flatMap(({ timelines }) => timelines.flatMap(({ removable }) => removable));
  const stored = (records: readonly { readonly storedBytes: number }[]): number =>
    records.reduce((total, { storedBytes }) => total + storedBytes, 0);
  return {
    all: stored(backups) + sizeOf(logs),
    now: stored(steps.backups) + sizeOf(steps.logs.flatMap(({ objects }) => objects)),
  };
}

/** Bytes. */
export function sizeOf(objects: readonly { readonly size: number }[]): number {
  return objects.reduce((total, { size }) => total + size, 0);
}
