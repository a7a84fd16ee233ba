import { formatLsn, parseLsn } from '../../../postgres/lsn.ts';
import type { CommitRecord } from '../../../repository/commit-record.ts';
import type { ProofReport } from '../../proof-report.ts';
import { copyFinding, type Answer } from '../answer.ts';
import type { CopySession } from '../copy-session.ts';

/** Where the copy's recovery ended, and what it is a copy of, in the server's own words. */
export interface Recovered {
  readonly lsn: string;
  readonly lastCommit: string | null;
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly inRecovery: boolean;
}

/** The end of the last record that was replayed stays known after the recovery. */
const RECOVERED = `
  SELECT coalesce(pg_last_wal_replay_lsn(), '0/0')::text AS lsn, pg_is_in_recovery() AS recovering,
         to_char(pg_last_xact_replay_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS commit,
         (SELECT system_identifier::text FROM pg_control_system()) AS system,
         (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline`;

export async function readRecovered(session: CopySession): Promise<Recovered> {
  const [row] = await session.query(RECOVERED);
  return {
    lsn: String(row?.['lsn']),
    lastCommit: typeof row?.['commit'] === 'string' ? row['commit'] : null,
    systemIdentifier: String(row?.['system']),
    timeline: Number(row?.['timeline']),
    inRecovery: row?.['recovering'] !== false,
  };
}

/** For the report. */
export function reachedBy({ lsn, lastCommit }: Recovered): NonNullable<ProofReport['reached']> {
  return { lsn, lastCommit };
}

/**
 * Whether the recovery ended where the backup says that it ends, or behind it, on a cluster that is the one it says.
 * @param rolledForward through the log of the repository, and so onto another timeline
 */
export function judgeRecovery(found: Recovered, backup: CommitRecord, rolledForward: boolean): Answer {
  const reached = parseLsn(found.lsn) ?? 0n;
  const problems = [
    ...(found.inRecovery ? ['the copy is still in recovery'] : []),
    ...(reached >= (parseLsn(backup.stopLsn) ?? 0n)
      ? []
      : [`the recovery ended at ${formatLsn(reached)}, before the end of the backup at ${backup.stopLsn}`]),
    ...(found.systemIdentifier === backup.systemIdentifier
      ? []
      : [`the copy is of system ${found.systemIdentifier}, and the backup of ${backup.systemIdentifier}`]),
    ...(rolledForward || found.timeline === backup.timeline
      ? []
      : [`the copy is on timeline ${found.timeline}, and the backup on ${backup.timeline}`]),
  ];
  return {
    detail: `replayed up to ${found.lsn}, the backup ends at ${backup.stopLsn}, timeline ${found.timeline}`,
    findings: problems.map((problem) => copyFinding(problem)),
    exceptions: [],
  };
}
