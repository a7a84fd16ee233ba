import type { Check } from '../../proof-report.ts';
import type { Clock } from '../../../clock.ts';
import { copyFinding, timedCheck, type Answer } from '../answer.ts';
import { CopyFailure, openCopySession } from '../copy-session.ts';
import type { RunningCopy } from '../start-copy.ts';

/** A question to the copy that its owner knows the answer to. */
export interface UserCheck {
  readonly name: string;
  readonly database: string;
  /** A query; the first column of its only row is compared. */
  readonly sql: string;
  /** As PostgreSQL writes it: `t`, `42`. */
  readonly expect: string;
  /** Milliseconds. */
  readonly timeout: number;
}

/** The most of an answer that is repeated. */
const LONGEST = 200;

/** Asks every question, in a transaction that may write nothing, as the copy's superuser. */
export async function userChecks(
  copy: RunningCopy,
  checks: readonly UserCheck[],
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Check[]> {
  const all: Check[] = [];
  for (const check of checks) {
    all.push(await timedCheck(`user_check:${check.name}`, clock, () => ask(copy, check, signal)));
  }
  return all;
}

async function ask(copy: RunningCopy, check: UserCheck, signal: AbortSignal): Promise<Answer> {
  try {
    await using session = await openCopySession(copy, check.database, signal);
    await session.query('SET search_path = "$user", public');
    await session.query(`SET statement_timeout = ${check.timeout}`);
    await session.query('BEGIN READ ONLY');
    return judge(check, await session.query(asText(check.sql)));
  } catch (error) {
    if (!(error instanceof CopyFailure)) throw error;
    const { message, lacking } = error;
    if (lacking !== undefined)
      return { detail: 'was not asked', findings: [], exceptions: [`it could not be asked: ${lacking}`] };
    return unanswered(check, message);
  }
}

/** No answer in time is no wrong answer: this host may be slower than the one that the limit was chosen on. */
export function unanswered({ name, sql, timeout }: UserCheck, message: string): Answer {
  if (/canceling statement due to statement timeout/.test(message))
    return { detail: sql, findings: [], exceptions: [`it had no answer within ${timeout / 1000} s`] };
  return { detail: sql, findings: [copyFinding(`${name}: ${message}`)], exceptions: [] };
}

/** Whatever type the answer has, it is compared as PostgreSQL writes it. */
function asText(sql: string): string {
  return `SELECT to_jsonb(larder_answer) AS answer FROM (${sql.replace(/;\s*$/, '')}) AS larder_answer`;
}

function judge({ name, sql, expect }: UserCheck, rows: readonly Record<string, unknown>[]): Answer {
  const answers = rows.map((row) => firstOf(row['answer']));
  const found = answers.length === 1 ? answers[0] : `${answers.length} rows`;
  const findings =
    answers.length === 1 && found === expect
      ? []
      : [copyFinding(`${name}: expected ${expect}, found ${String(found).slice(0, LONGEST)}`)];
  return { detail: `${sql} gave ${String(found).slice(0, LONGEST)}`, findings, exceptions: [] };
}

function firstOf(answer: unknown): string {
  const [value] = Object.values((answer ?? {}) as Record<string, unknown>);
  if (value === true) return 't';
  if (value === false) return 'f';
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}
