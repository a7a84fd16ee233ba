import type { ProofReport, DrillReport } from '../../verify/proof-report.ts';
import { valueOf } from '../facts/known.ts';
import type { StrategyFacts } from '../facts/strategy-facts.ts';
import { isDrill, proofName, shortcomings } from '../proof-words.ts';
import type { ReportedProof } from '../strategy-report.ts';

/** More than a reader looks at; the evidence has them all. */
const MOST_SHORTCOMINGS = 20;

/**
 * Restore tests and drills, newest first: those of the repository and those of the evidence, each once. Null where neither can
 * be read.
 */
export function proofsSection(facts: StrategyFacts): ReportedProof[] | null {
  const [stored, evidence] = [valueOf(facts.proofs), valueOf(facts.evidence)];
  if (stored === undefined && evidence === undefined) return null;
  const own = [...(stored?.proofs ?? []), ...(evidence?.proofs ?? [])].filter(
    ({ cluster }) => cluster === undefined || facts.cluster === undefined || cluster === facts.cluster,
  );
  const once = new Map(own.map(({ report }) => [keyOf(report), report]));
  return [...once.values()].map(describe).sort((a, b) => (a.time === b.time ? 0 : a.time < b.time ? 1 : -1));
}

function keyOf(report: ProofReport | DrillReport): string {
  return `${report.began} ${report.backup} ${isDrill(report) ? report.scenario : ''}`;
}

function describe(report: ProofReport | DrillReport): ReportedProof {
  const { began, backup, verdict, seconds, phases, checks } = report;
  const count = (result: string): number => checks.filter((check) => check.result === result).length;
  const drill = isDrill(report) ? report : undefined;
  return {
    time: began,
    name: proofName(report),
    isDrill: drill !== undefined,
    backup,
    verdict,
    seconds,
    phases: phases.map((phase) => ({ ...phase })),
    checks: { passed: count('passed'), failed: count('failed'), excepted: count('excepted') },
    shortcomings: shortcomings(report).slice(0, MOST_SHORTCOMINGS),
    recoverySeconds: drill?.recoverySeconds ?? null,
    lostSeconds: drill?.lostSeconds ?? null,
    met: drill?.met ?? null,
  };
}
