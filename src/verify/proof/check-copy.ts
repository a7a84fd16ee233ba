import { readFile } from 'node:fs/promises';
import type { Clock } from '../../clock.ts';
import type { CommitRecord } from '../../repository/commit-record.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { Check, ProofReport } from '../proof-report.ts';
import { checkOf, copyFinding, timedCheck, type Answer } from './answer.ts';
import { checkDatabases } from './check-databases.ts';
import { checkFingerprint } from './checks/fingerprint-check.ts';
import { judgeRecovery, reachedBy, readRecovered, type Recovered } from './checks/recovery-check.ts';
import { judgeServerLog } from './checks/server-log-check.ts';
import { userChecks, type UserCheck } from './checks/user-check.ts';
import { openAllDatabases, type CopiedDatabases } from './copied-databases.ts';
import { CopyFailure, openCopySession } from './copy-session.ts';
import { readHost } from './read-host.ts';
import type { RunningCopy } from './start-copy.ts';

export interface CopyChecks {
  readonly level: 'restore' | 'full';
  readonly backup: CommitRecord;
  readonly userChecks: readonly UserCheck[];
  /** Sessions of the copy that look at its relations side by side. */
  readonly concurrency: number;
  /** Leaves relations out that nobody has written to since then, milliseconds since 1970. */
  readonly touchedSince?: number | undefined;
  /** Where the backup's fingerprint lies; without it what the copy holds is compared with nothing. */
  readonly store?: ObjectStore;
  /** Through the log of the repository: the backup's own end is then the least that must be reached. */
  readonly rolledForward: boolean;
}

export interface CheckContext {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void;
}

/** What the checks of a copy came to. */
export interface CheckedCopy {
  readonly checks: readonly Check[];
  readonly reached: ProofReport['reached'];
  readonly host: ProofReport['host'];
}

/**
 * Looks at everything that a running copy holds. What is wrong with the copy is in the answer, and no error; the copy is
 * written to, and good for nothing else afterwards.
 * @throws LarderError INSTANCE_FAILED when this host keeps it from being looked at; the signal's reason
 */
export async function checkCopy(
  copy: RunningCopy,
  request: CopyChecks,
  context: CheckContext,
): Promise<CheckedCopy> {
  const { clock, signal } = context;
  const host = await readHost(copy, signal);
  const began = clock.monotonic();
  const recovered = await attempt(() => recoveredOf(copy, signal));
  const recovery = answerOfRecovery(recovered, request);
  const checks = [checkOf('recovery', recovery, (clock.monotonic() - began) / 1000)];
  const reached = recovered instanceof CopyFailure ? null : reachedBy(recovered);
  checks.push(...(await compareContents(copy, request, context)));
  // from here on the copy is written to
  const databases = await attempt(() => databasesOf(copy, signal));
  if (databases instanceof CopyFailure) {
    checks.push(checkOf('databases', failedAnswer(databases), 0));
    return { checks, reached, host };
  }
  checks.push(...(await checkAll(copy, databases, request, context)));
  checks.push(...(await userChecks(copy, request.userChecks, context)));
  return { checks, reached, host };
}

/** At another point than the backup's own end other things are there, by right. */
async function compareContents(
  copy: RunningCopy,
  { store, backup, rolledForward }: CopyChecks,
  { clock, signal }: CheckContext,
): Promise<Check[]> {
  if (store === undefined || rolledForward) return [];
  return checkFingerprint(copy, { store, backup, clock, signal });
}

async function checkAll(
  copy: RunningCopy,
  { databases, invalid }: CopiedDatabases,
  { level, concurrency, touchedSince }: CopyChecks,
  { clock, signal, onProgress }: CheckContext,
): Promise<Check[]> {
  const report = (doneBytes: number, totalBytes: number): void => onProgress({ doneBytes, totalBytes });
  const checks = await checkDatabases(copy, databases, {
    level,
    concurrency,
    touchedSince,
    clock,
    signal,
    onProgress: report,
  });
  if (invalid.length === 0) return checks;
  const detail = `left out, since the source had half dropped them: ${invalid.join(', ')}`;
  return [...checks, checkOf('databases', { detail, findings: [], exceptions: [] }, 0)];
}

/** Whether the server of the copy said anything of damage; to be asked when it was stopped. */
export function checkServerLog(copy: Pick<RunningCopy, 'logFile'>, clock: Clock): Promise<Check> {
  return timedCheck('server_log', clock, async () => judgeServerLog(await readFile(copy.logFile, 'utf8')));
}

async function recoveredOf(copy: RunningCopy, signal: AbortSignal): Promise<Recovered> {
  await using session = await openCopySession(copy, copy.database, signal);
  return await readRecovered(session);
}

async function databasesOf(copy: RunningCopy, signal: AbortSignal): Promise<CopiedDatabases> {
  await using session = await openCopySession(copy, copy.database, signal);
  return await openAllDatabases(session);
}

function answerOfRecovery(recovered: Recovered | CopyFailure, request: CopyChecks): Answer {
  if (recovered instanceof CopyFailure) return failedAnswer(recovered);
  return judgeRecovery(recovered, request.backup, request.rolledForward);
}

function failedAnswer({ message }: CopyFailure): Answer {
  return { detail: 'could not be asked', findings: [copyFinding(message)], exceptions: [] };
}

async function attempt<T>(look: () => Promise<T>): Promise<T | CopyFailure> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof CopyFailure) return error;
    throw error;
  }
}
