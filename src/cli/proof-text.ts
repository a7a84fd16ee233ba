import type { Check, CheckResult, ProofReport, Verdict } from '../verify/proof-report.ts';
import type { Finding } from '../verify/report.ts';
import { formatDuration, printable } from '../format.ts';
import { formatPairs, formatTable } from './table.ts';

const VERDICTS: Readonly<Record<Verdict, string>> = {
  verified: 'VERIFIED',
  verified_with_exceptions: 'VERIFIED WITH EXCEPTIONS',
  failed: 'FAILED: the backup is quarantined',
};

const RESULTS: Readonly<Record<CheckResult, string>> = {
  passed: '\u2713 passed',
  failed: '\u2717 FAILED',
  excepted: '- not checked',
};

/** How a proof went, for people: verdict, every check with how long it took, and what was found. */
export function proofText(report: ProofReport): string {
  const { backup, level, verdict, seconds, reached, host, phases, checks } = report;
  const facts = formatPairs([
    ['backup', backup],
    ['verdict', `${VERDICTS[verdict]}, level ${level}, in ${formatDuration(seconds)}`],
    ['recovered to', reached === null ? 'no server came up' : reachedText(reached)],
    ['ran on', `PostgreSQL ${host.serverVersion}, ${CONFINEMENTS[host.confinement]}`],
    ['phases', phases.map(({ name, seconds: took }) => `${name} ${formatDuration(took)}`).join(', ')],
  ]);
  const rows = checks.map((check) => [
    check.name,
    RESULTS[check.result],
    formatDuration(check.seconds),
    printable(check.detail.slice(0, LONGEST_DETAIL)),
  ]);
  const columns = [
    { title: 'CHECK' },
    { title: 'RESULT' },
    { title: 'TOOK', right: true },
    { title: 'WHAT' },
  ];
  return [facts, '', formatTable(columns, rows), ...findingLines(checks)].join('\n');
}

const LONGEST_DETAIL = 300;

const CONFINEMENTS: Readonly<Record<ProofReport['host']['confinement'], string>> = {
  namespaces: 'without network, able to write to its own directory alone',
  network: 'without network',
  account: 'under an account of its own; this machine allows no namespaces',
};

function reachedText({ lsn, lastCommit }: NonNullable<ProofReport['reached']>): string {
  return lastCommit === null ? lsn : `${lsn}, the last commit of ${lastCommit}`;
}

function findingLines(checks: readonly Check[]): string[] {
  const lines = checks.flatMap(({ name, findings }) =>
    findings.map((finding) => `  ${name}: ${printable(findingText(finding))}`),
  );
  return lines.length === 0 ? [] : ['', 'Findings:', ...lines, ''];
}

function findingText({ code, message, object, file }: Finding): string {
  const where = [object, file].filter((name) => name !== undefined && !message.includes(name));
  return [...where, `${message} [${code}]`].join(': ');
}
