import type { WalIndex } from '../repository/wal/wal-index.ts';
import { planBackups, type BackupVerdict } from './plan.ts';
import { planLog, windowPaths, type LogObject, type LogVerdict } from './plan-log.ts';
import type { RetentionPolicy } from './policy.ts';
import { byLineage } from './rated-backup.ts';
import type { RetentionView } from './view.ts';
import { windowStart, type LogPaths } from './window.ts';

/** The log of one cluster as it was listed, or why it could not be. */
export type ListedLog =
  | {
      readonly systemIdentifier: string;
      readonly index: WalIndex;
      readonly objects: readonly LogObject[];
      readonly problem?: undefined;
    }
  | { readonly systemIdentifier: string; readonly problem: string };

/** Everything that a repository says. */
export interface RetentionFacts extends Omit<RetentionView, 'logs'> {
  readonly logs: readonly ListedLog[];
}

/** What is kept of a repository, what is not, and why. */
export interface RetentionPlan {
  /** When it was made, ms since 1970 UTC. */
  readonly now: number;
  readonly backups: readonly BackupVerdict[];
  readonly logs: readonly LogVerdict[];
}

/** Decides about every backup and all of the log. Pure. `now`: ms since 1970 UTC. */
export function planRetention(facts: RetentionFacts, policy: RetentionPolicy, now: number): RetentionPlan {
  const from = windowStart(policy, now);
  const paths = facts.logs.map((log): LogPaths => {
    const { systemIdentifier } = log;
    const isListed = log.problem === undefined;
    return { systemIdentifier, paths: isListed ? windowPaths(log.index, log.objects, from) : undefined };
  });
  const backups = planBackups({ ...facts, logs: paths }, policy, now);
  return { now, backups, logs: planLogs(facts, backups, { from, now }) };
}

function planLogs(
  facts: RetentionFacts,
  verdicts: readonly BackupVerdict[],
  { from, now }: { readonly from: number; readonly now: number },
): LogVerdict[] {
  const kept = new Set(verdicts.flatMap(({ id, keep }) => (keep ? [id] : [])));
  const staying = [...byLineage(facts, now).values()].flat().filter(({ id }) => kept.has(id));
  return facts.logs.map((log): LogVerdict => {
    const { systemIdentifier } = log;
    const problem = log.problem ?? unreadableBackup(facts);
    if (log.problem !== undefined || problem !== undefined)
      return { systemIdentifier, timelines: [], kept: problem };
    const backups = staying.filter(({ record }) => record.systemIdentifier === systemIdentifier);
    return planLog({ index: log.index, objects: log.objects, backups, from });
  });
}

function unreadableBackup({ unreadable: [first] }: RetentionFacts): string | undefined {
  if (first === undefined) return undefined;
  return `the commit record of ${first.id} cannot be read: nobody can tell what log it needs`;
}
