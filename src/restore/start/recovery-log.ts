import { formatLsn, parseLsn, type Lsn } from '../../postgres/lsn.ts';
import type { RecoveryTarget } from '../recovery/recovery-plan.ts';

/** What a recovering server has written to its log (lc_messages = C) so far. */
export interface RecoveryLog {
  /** FATAL and PANIC lines: the recovery failed. */
  readonly fatal: string | undefined;
  /** Where it stopped: `recovery stopping after …`; it is written only when a target was reached. */
  readonly stopping: string | undefined;
  /** Start of the last record that was replayed. */
  readonly redoDone: Lsn | undefined;
  /** The timeline it was promoted to. */
  readonly timeline: number | undefined;
  readonly accepting: boolean;
}

export function readRecoveryLog(text: string): RecoveryLog {
  const timeline = /selected new timeline ID: (\d+)/.exec(text)?.[1];
  return {
    fatal: /(?:FATAL|PANIC): {2}(.*)/.exec(withoutStartup(text))?.[1],
    stopping: /recovery stopping (?:before|after|at) .*/.exec(text)?.[0],
    redoDone: parseLsn(/redo done at ([0-9A-F]+\/[0-9A-F]+)/.exec(text)?.[1] ?? ''),
    timeline: timeline === undefined ? undefined : Number(timeline),
    accepting: text.includes('database system is ready to accept connections'),
  };
}

/** Who connects too early is refused with a FATAL line that says nothing about the recovery. */
function withoutStartup(text: string): string {
  return text
    .split('\n')
    .filter((line) => !line.includes('the database system is '))
    .join('\n');
}

/**
 * Why the log is no proof that the target was reached; `undefined` when it is one.
 * @param promoted whether the server was to be promoted, and so to accept connections in the end
 */
export function unproven(
  log: RecoveryLog,
  target: RecoveryTarget | undefined,
  promoted: boolean,
): string | undefined {
  if (log.fatal !== undefined) return log.fatal;
  if (promoted && !log.accepting) return 'it ended before it accepted connections';
  if (target === undefined) return log.redoDone === undefined ? 'it replayed nothing' : undefined;
  if (log.stopping === undefined) return 'it did not stop at its target';
  const reached = log.redoDone;
  if (target.kind !== 'end' || (reached !== undefined && reached >= target.lsn)) return undefined;
  return `it replayed up to ${reached === undefined ? 'nothing' : formatLsn(reached)}, and the archive ends with the record at ${formatLsn(target.lsn)}`;
}
