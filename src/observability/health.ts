import type { Task } from '../jobs/job.ts';
import type { RunRetry } from '../scheduler/run-events.ts';
import type { RunRecord } from '../scheduler/run-record.ts';
import { isBackup } from '../scheduler/task-order.ts';
import type { BackupFacts } from './backup-facts.ts';
import { newestBackup, newestGoodBackup } from './backup-facts.ts';

/** The scheduler ticks every 30 s; after this it is stuck. */
const TICK_OVERDUE_MS = 180_000;
/** A catalogue read longer ago is not known any more; it is read every minute. */
const CATALOGUE_OUTDATED_MS = 15 * 60_000;
/** A backup dated further ahead was made under a wrong clock, and its age says nothing. */
const CLOCK_TOLERANCE_MS = 3_600_000;

/** Times are milliseconds since 1970 UTC. */
export interface ServiceFacts {
  readonly now: number;
  readonly started: number;
  readonly stopping: boolean;
  readonly clusters: readonly ClusterFacts[];
}

export interface ClusterFacts {
  readonly cluster: string;
  /** How old the newest good backup may become. */
  readonly maxAgeSeconds: number;
  /** How much time of data may be lost. */
  readonly rpoSeconds: number;
  readonly timeoutSeconds: number;
  /** `starting` until it is known whether another process leads. */
  readonly role: 'starting' | 'leader' | 'standby';
  readonly lastTick: number | undefined;
  readonly nextRun: number | undefined;
  readonly server: 'up' | 'down' | 'unknown';
  readonly catalogue: { readonly readAt: number; readonly backups: readonly BackupFacts[] } | 'unknown';
  readonly running: readonly RunRecord[];
  /** Of a run in progress that has failed before, its last failure. */
  readonly retrying: Pick<RunRetry, 'run' | 'attempt' | 'error'> | undefined;
  /** The newest run of each task that is over. */
  readonly lastRuns: ReadonlyMap<Task, RunRecord>;
  /** `off` where the configuration says so; undefined while none runs. */
  readonly receiver: ReceiverFacts | 'off' | undefined;
}

/** What a receiver, or whoever keeps one running, says of itself. */
export interface ReceiverFacts {
  /** `failed`: it gave up, and is started again later. `elsewhere`: another process of this host has one. */
  readonly state: 'starting' | 'streaming' | 'waiting' | 'failed' | 'elsewhere';
  readonly problem: string | undefined;
  /** Since when changes are not durable, milliseconds since 1970 UTC; 0: everything is. */
  readonly unprotectedSince: number;
}

/** `failing`: an objective is broken. `degraded`: it holds, but something is wrong or not known. */
export type HealthStatus = 'ok' | 'degraded' | 'failing';

export interface HealthReason {
  readonly cluster: string;
  readonly code: string;
  readonly status: Exclude<HealthStatus, 'ok'>;
  readonly message: string;
}

export interface ClusterHealth {
  readonly cluster: string;
  readonly status: HealthStatus;
  /** The newest good one. Times are ISO 8601, UTC. */
  readonly lastBackup: { readonly id: string; readonly ended: string; readonly ageSeconds: number } | null;
  readonly nextRun: string | null;
  readonly role: ClusterFacts['role'];
  readonly running: { readonly task: Task; readonly since: string } | null;
  readonly lastRun: { readonly task: Task; readonly result: string; readonly ended: string | null } | null;
  readonly receiver: {
    readonly state: string;
    readonly problem: string | null;
    readonly unprotectedSince: string | null;
  } | null;
}

export interface HealthReport {
  readonly status: HealthStatus;
  readonly service: 'running' | 'stopping';
  /** Whether the scheduler moves; if not, restarting the process may help. */
  readonly live: boolean;
  /** Whether the newest backup of every cluster is known to be good and young enough. */
  readonly objectivesMet: boolean;
  readonly reasons: readonly HealthReason[];
  readonly clusters: readonly ClusterHealth[];
}

/** What a probe is told. What is not known is never ok. */
export function judgeHealth(facts: ServiceFacts): HealthReport {
  const reasons = facts.clusters.flatMap((cluster) => reasonsOf(cluster, facts));
  return {
    status: worst(reasons),
    service: facts.stopping ? 'stopping' : 'running',
    live: facts.clusters.every((cluster) => !isTickOverdue(cluster, facts)),
    objectivesMet: facts.clusters.every((cluster) => catalogueFinding(cluster, facts.now) === undefined),
    reasons,
    clusters: facts.clusters.map((cluster) => {
      return describeCluster(
        cluster,
        worst(reasons.filter((reason) => reason.cluster === cluster.cluster)),
        facts.now,
      );
    }),
  };
}

type Finding = Omit<HealthReason, 'cluster'> | undefined;

function reasonsOf(cluster: ClusterFacts, service: ServiceFacts): HealthReason[] {
  const findings = [
    schedulerFinding(cluster, service),
    serverFinding(cluster),
    catalogueFinding(cluster, service.now),
    ...runFindings(cluster, service.now),
    receiverFinding(cluster, service.now),
  ];
  return findings
    .filter((finding) => finding !== undefined)
    .map((finding) => ({ cluster: cluster.cluster, ...finding }));
}

function schedulerFinding(cluster: ClusterFacts, service: ServiceFacts): Finding {
  if (!isTickOverdue(cluster, service)) return undefined;
  return failing('scheduler_stuck', 'the scheduler has not moved for three minutes');
}

function isTickOverdue({ lastTick }: ClusterFacts, { now, started }: ServiceFacts): boolean {
  return now - (lastTick ?? started) > TICK_OVERDUE_MS;
}

function serverFinding({ server }: ClusterFacts): Finding {
  switch (server) {
    case 'up':
      return undefined;
    case 'down':
      return degraded('server_down', 'the server cannot be reached');
    case 'unknown':
      return degraded('server_unknown', 'the server has not been asked yet');
  }
}

function catalogueFinding(facts: ClusterFacts, now: number): Finding {
  const { catalogue, maxAgeSeconds } = facts;
  const running = facts.running.find(({ task }) => isBackup(task));
  const lastRun = newestRun([...facts.lastRuns.values()].filter(({ task }) => isBackup(task)));
  if (catalogue === 'unknown' || now - catalogue.readAt > CATALOGUE_OUTDATED_MS) {
    return degraded('repository_unknown', 'the repository cannot be read: what is in it is not known');
  }
  const newest = newestBackup(catalogue.backups);
  if (newest === undefined && running !== undefined) {
    return degraded('first_backup_running', 'there is no backup yet: the first is being made');
  }
  if (newest === undefined && lastRun?.result === 'success' && (lastRun.ended ?? 0) >= catalogue.readAt) {
    return degraded('repository_unknown', 'the repository was not read since the last backup');
  }
  if (newest === undefined) return failing('no_backup', 'there is no backup');
  return newestFinding(newest, maxAgeSeconds, now);
}

function newestFinding(newest: BackupFacts, maxAgeSeconds: number, now: number): Finding {
  switch (newest.state) {
    case 'corrupt_source':
      return failing(
        'source_corrupt',
        'the newest backup holds pages that were damaged in the cluster itself',
      );
    case 'damaged':
      return failing('backup_damaged', 'the newest backup is damaged in the repository');
    case 'quarantined':
      return failing('backup_quarantined', 'a restore of the newest backup did not pass');
    case 'good':
      break;
  }
  if (newest.ended > now + CLOCK_TOLERANCE_MS) {
    return degraded('clock_wrong', 'the newest backup is dated in the future: its age is not known');
  }
  if (now - newest.ended <= maxAgeSeconds * 1000) return undefined;
  return failing('backup_too_old', `the newest backup is older than ${maxAgeSeconds} seconds`);
}

function runFindings({ lastRuns, running, retrying, timeoutSeconds }: ClusterFacts, now: number): Finding[] {
  const overdue = running.find(({ started }) => now - started > timeoutSeconds * 1000);
  return [
    overdue === undefined ? undefined : degraded('run_overdue', 'the run in progress is past its time limit'),
    retrying === undefined
      ? undefined
      : degraded(
          'run_retrying',
          `attempt ${retrying.attempt} of the run in progress failed with ${retrying.error.code}`,
        ),
    ...lastOfEach([...lastRuns.values()]).map(lastRunFinding),
  ];
}

/** Of backups, whichever kind, the newest run counts: an incremental that succeeds mends a full one that failed. */
function lastOfEach(runs: readonly RunRecord[]): RunRecord[] {
  const backup = newestRun(runs.filter(({ task }) => isBackup(task)));
  return [...(backup === undefined ? [] : [backup]), ...runs.filter(({ task }) => !isBackup(task))];
}

function lastRunFinding({ task, result, errorCode }: RunRecord): Finding {
  if (result !== 'failure' && result !== 'timeout') return undefined;
  const why = errorCode ?? 'an unknown error';
  if (isBackup(task)) return degraded('last_run_failed', `the last run failed with ${why}`);
  return degraded(`last_${task}_failed`, `the last run of ${task} failed with ${why}`);
}

function receiverFinding({ receiver, role, rpoSeconds }: ClusterFacts, now: number): Finding {
  if (receiver === 'off' || role !== 'leader') return undefined;
  const { state = 'stopped', problem, unprotectedSince = 0 } = receiver ?? {};
  if (unprotectedSince > 0 && now - unprotectedSince > rpoSeconds * 1000) {
    return failing('rpo_exceeded', `changes of more than ${rpoSeconds} seconds are stored nowhere`);
  }
  if (state === 'streaming' || state === 'elsewhere') return undefined;
  const why = problem === undefined ? state : problem;
  return degraded('log_not_received', `the transaction log is not being received: ${why}`);
}

function newestRun(runs: readonly RunRecord[]): RunRecord | undefined {
  return runs.reduce<RunRecord | undefined>(
    (newest, run) => (newest === undefined || (run.ended ?? 0) >= (newest.ended ?? 0) ? run : newest),
    undefined,
  );
}

function degraded(code: string, message: string): Finding {
  return { code, status: 'degraded', message };
}

function failing(code: string, message: string): Finding {
  return { code, status: 'failing', message };
}

function worst(reasons: readonly HealthReason[]): HealthStatus {
  if (reasons.some(({ status }) => status === 'failing')) return 'failing';
  return reasons.length > 0 ? 'degraded' : 'ok';
}

function describeCluster(facts: ClusterFacts, status: HealthStatus, now: number): ClusterHealth {
  const backups = facts.catalogue === 'unknown' ? [] : facts.catalogue.backups;
  const newest = newestGoodBackup(backups);
  const running = facts.running.at(-1);
  const lastRun = newestRun([...facts.lastRuns.values()]);
  return {
    cluster: facts.cluster,
    status,
    role: facts.role,
    lastBackup:
      newest === undefined
        ? null
        : { id: newest.id, ended: iso(newest.ended), ageSeconds: Math.round((now - newest.ended) / 1000) },
    nextRun: facts.nextRun === undefined ? null : iso(facts.nextRun),
    running: running === undefined ? null : { task: running.task, since: iso(running.started) },
    lastRun: lastRun?.result === undefined ? null : describeRun(lastRun, lastRun.result),
    receiver: describeReceiver(facts.receiver),
  };
}

function describeReceiver(receiver: ClusterFacts['receiver']): ClusterHealth['receiver'] {
  if (receiver === 'off') return null;
  const { state = 'stopped', problem = null, unprotectedSince = 0 } = receiver ?? {};
  return { state, problem, unprotectedSince: unprotectedSince === 0 ? null : iso(unprotectedSince) };
}

function describeRun({ task, ended }: RunRecord, result: string): ClusterHealth['lastRun'] {
  return { task, result, ended: ended === undefined ? null : iso(ended) };
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
