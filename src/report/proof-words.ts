import { formatDuration, formatTime } from '../format.ts';
import type { Check, DrillReport, ProofReport, Verdict } from '../verify/proof-report.ts';

/** What a proof was: a drill knows of its scenario. */
export function isDrill(report: ProofReport | DrillReport): report is DrillReport {
  return 'scenario' in report;
}

/** `drill: host loss`, `restore test`, `full verification by restore`. */
export function proofName(report: ProofReport | DrillReport): string {
  if (isDrill(report)) return `drill: ${words(report.scenario)}`;
  return report.level === 'full' ? 'full restore test' : 'restore test';
}

const VERDICTS: Readonly<Record<Verdict, string>> = {
  verified: 'verified',
  verified_with_exceptions: 'verified, with exceptions',
  failed: 'FAILED',
};

export function verdictText(verdict: Verdict): string {
  return VERDICTS[verdict];
}

/** Names of phases and checks, as a person writes them: `row counts`. */
export function words(name: string): string {
  return name.replaceAll('_', ' ');
}

/** A measured value against its objective: `12 s, 4 h 00 min allowed: met`. */
export function againstObjective(measured: number | null, allowed: number): string {
  const limit = `${formatDuration(allowed)} allowed`;
  if (measured === null) return `not known, ${limit}`;
  return `${formatDuration(measured)}, ${limit}: ${measured <= allowed ? 'met' : 'NOT MET'}`;
}

/** What went wrong and what could not be looked at, one sentence each; empty where everything passed. */
export function shortcomings(report: Pick<ProofReport, 'checks'>): readonly string[] {
  return report.checks.flatMap(checkShortcomings);
}

function checkShortcomings({ name, result, detail, findings }: Check): string[] {
  const what = words(name);
  if (result === 'passed') return [];
  if (result === 'excepted') return [`${what} could not be looked at: ${detail}`];
  if (findings.length === 0) return [`${what}: ${detail}`];
  return findings.map(({ message, object, file, code }) => {
    const where = [object, file].filter((place) => place !== undefined && !message.includes(place));
    return `${what}: ${[...where, message].join(': ')} [${code}]`;
  });
}

/** Where recovery ended. */
export function reachedText({ reached: { lsn, lastCommit } }: Pick<ProofReport, 'reached'>): string {
  return lastCommit === null ? lsn : `${lsn}, last commit ${formatTime(lastCommit)}`;
}

/** What the proof ran on. */
export function hostText({ host }: Pick<ProofReport, 'host'>): string {
  const { serverVersion, libc, icu } = host;
  return [`PostgreSQL ${serverVersion}`, libc, icu === null ? null : `ICU ${icu}`]
    .filter((part) => part !== null)
    .join(', ');
}
