import type { Check, DrillReport } from '../verify/proof-report.ts';
import { formatDuration, formatTime, plural, printable } from '../format.ts';
import { formatPairs } from './table.ts';

/** A drill for people: what was measured beside what is allowed, then what is wrong. */
export function drillText(report: DrillReport): string {
  const { passedOver, remarks, applicationOutput } = report;
  return [
    formatPairs(drillFacts(report)),
    ...remarks.map((remark) => `note: ${printable(remark)}\n`),
    ...passedOver.map(({ backup, message, code }) => `damaged: ${backup}: ${printable(message)} [${code}]\n`),
    ...report.checks.filter(({ result }) => result !== 'passed').map(checkText),
    ...(applicationOutput === null || applicationOutput === '' ? [] : [outputText(applicationOutput)]),
    `\n${outcomeText(report)}\n`,
  ].join('');
}

function drillFacts(report: DrillReport): [string, string][] {
  const { objectives, reached, recoverySeconds, lostSeconds } = report;
  return [
    ['scenario', report.scenario],
    ['repository', printable(report.repository)],
    ['target', report.target],
    ['backup', report.backup],
    ['recovered to', pointText(report)],
    ['position', reached === null ? 'none' : reached.lsn],
    ['took', against(recoverySeconds, objectives.rtoSeconds)],
    ['lost', against(lostSeconds, objectives.rpoSeconds)],
    ['phases', report.phases.map(({ name, seconds }) => `${name} ${formatDuration(seconds)}`).join(', ')],
    ['checks', countsText(report.checks)],
  ];
}

function pointText({ recoveredTo, reached }: DrillReport): string {
  if (reached === null) return 'nothing: no server came up';
  return recoveredTo === null ? 'nobody can tell until when' : `everything until ${formatTime(recoveredTo)}`;
}

function against(measured: number | null, allowed: number): string {
  const limit = `${formatDuration(allowed)} allowed`;
  if (measured === null) return `not known (${limit})`;
  return `${formatDuration(measured)} (${limit}: ${measured <= allowed ? 'met' : 'missed'})`;
}

function countsText(checks: readonly Check[]): string {
  const count = (result: Check['result']): number => checks.filter((check) => check.result === result).length;
  const excepted = count('excepted');
  return [
    `${count('passed')} passed`,
    `${count('failed')} failed`,
    ...(excepted === 0 ? [] : [`${excepted} could not be made here`]),
  ].join(', ');
}

function checkText({ name, result, detail, findings }: Check): string {
  const lines = findings.map(({ message, code }) => `  ${printable(message)} [${code}]`);
  return `${[`${result}: ${name}: ${printable(detail)}`, ...lines].join('\n')}\n`;
}

function outputText(output: string): string {
  const lines = output.trimEnd().split('\n');
  return `The application check printed:\n${lines.map((line) => `  ${printable(line)}`).join('\n')}\n`;
}

function outcomeText({ verdict, met, checks, seconds }: DrillReport): string {
  const took = `the drill took ${formatDuration(seconds)}, and its copy is removed`;
  if (verdict === 'failed') {
    const failed = checks.filter(({ result }) => result === 'failed').length;
    return `FAILED: ${plural(failed, 'check')} failed; ${took}.`;
  }
  return met ? `Both objectives are met; ${took}.` : `An objective is MISSED; ${took}.`;
}
