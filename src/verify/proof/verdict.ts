import type { Check, Verdict } from '../proof-report.ts';

/** About what lies behind a backup and not in it: what is wrong there makes the backup itself no worse. */
export const LOG_CHECK = 'transaction_log';

/**
 * What the checks come to. A damaged log fails the run that found it, and not the backup: quarantined for it, a good backup
 * would go just when there is less to fall back on.
 */
export function verdictOf(checks: readonly Check[]): Verdict {
  if (checks.some(({ name, result }) => result === 'failed' && name !== LOG_CHECK)) return 'failed';
  return checks.every(({ result }) => result === 'passed') ? 'verified' : 'verified_with_exceptions';
}
