import { formatDuration, formatTime } from '../format.ts';
import type { Check, DrillReport, ProofReport, Verdict } from '../verify/proof-report.ts';

/** What a proof was: a drill knows of its scenario. */
export function isDrill(report: ProofReport | DrillReport): report is DrillReport {
  return 'scenario' in report;
}

/** `host loss drill`, `restore test`, `full restore test`. */
export function proofName(report: ProofReport | DrillReport): string {
  if (isDrill(report)) return `${words(report.scenario)} drill`;
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

/** A measured value against its objective: `12 s, 4 h 00 min allowed: met`. `missing`: why there is none. */
export function againstObjective(measured: number | null, allowed: number, missing: string): string {
  const limit = `${formatDuration(allowed)} allowed`;
  if (measured === null) return `${missing}, ${limit}`;
  return `${formatDuration(measured)}, ${limit}: ${measured <= allowed ? 'met' : 'NOT MET'}`;
}

/** How long the recovery of a drill took, against the objective. */
export function recoveryTime({ recoverySeconds, objectives }: DrillReport): string {
  return againstObjective(recoverySeconds, objectives.rtoSeconds, 'NO COPY CAME UP');
}

/** How much time of data a drill found missing, against the objective. */
export function lostTime({ lostSeconds, objectives }: DrillReport): string {
  return againstObjective(lostSeconds, objectives.rpoSeconds, 'not known');
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
export function reachedText({ reached }: Pick<ProofReport, 'reached'>): string {
  if (reached === null) return 'nothing: no server came up on the copy';
  const { lsn, lastCommit } = reached;
  return lastCommit === null ? lsn : `${lsn}, last commit ${formatTime(lastCommit)}`;
}

/** Backups that a drill could not use, and how it chose. */
export function choiceTexts({ remarks, passedOver }: DrillReport): readonly string[] {
  return [
    ...remarks,
    ...passedOver.map(({ backup, code, message }) => `passed over ${backup}: ${message} [${code}]`),
  ];
}

/** What the proof ran on. */
export function hostText({ host }: Pick<ProofReport, 'host'>): string {
  const { serverVersion, libc, icu, confinement } = host;
  const kept = {
    namespaces: 'without network, all else read-only',
    network: 'without network',
    account: null,
  };
  return [`PostgreSQL ${serverVersion}`, libc, icu === null ? null : `ICU ${icu}`, kept[confinement]]
    .filter((part) => part !== null)
    .join(', ');
}
