import type { Clock } from '../../clock.ts';
import type { Check } from '../proof-report.ts';
import type { Finding } from '../report.ts';

/** What came of a look at something. */
export interface Answer {
  /** In words, with counts. */
  readonly detail: string;
  readonly findings: readonly Finding[];
  /** What could not be looked at here and why, a sentence each. */
  readonly exceptions: readonly string[];
}

/** Of one check; a damaged cluster may have millions, and the first ones tell. */
const FINDINGS_LIMIT = 50;

/** A check from an answer. Findings outweigh exceptions. */
export function checkOf(name: string, { detail, findings, exceptions }: Answer, seconds: number): Check {
  const kept = findings.slice(0, FINDINGS_LIMIT);
  const more = findings.length - kept.length;
  const words = [detail, ...exceptions, ...(more === 0 ? [] : [`${more} more findings are left out`])];
  return {
    name,
    result: findings.length > 0 ? 'failed' : exceptions.length > 0 ? 'excepted' : 'passed',
    detail: words.join('; '),
    findings: kept,
    seconds,
  };
}

/** Looks, and says how long it took. */
export async function timedCheck(name: string, clock: Clock, look: () => Promise<Answer>): Promise<Check> {
  const began = clock.monotonic();
  const answer = await look();
  return checkOf(name, answer, (clock.monotonic() - began) / 1000);
}

/** A finding about what PostgreSQL made of the copy. `file`: of the cluster, relative to the data directory. */
export function copyFinding(message: string, file?: string): Finding {
  return { code: 'VERIFICATION_FAILED', message, ...(file === undefined ? {} : { file }) };
}
