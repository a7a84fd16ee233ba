import { formatDuration, formatTime } from '../../format.ts';
import type { DrillReport, ProofReport } from '../../verify/proof-report.ts';
import {
  choiceTexts,
  hostText,
  isDrill,
  lostTime,
  proofName,
  reachedText,
  recoveryTime,
  shortcomings,
  verdictText,
  words,
} from '../proof-words.ts';
import { escapeMarkdown, markdownTable } from './markdown-text.ts';

/** More findings than a person reads: the JSON file has all of them. */
const MOST_SHORTCOMINGS = 50;
/** Of what an application check printed, characters. */
const LONGEST_OUTPUT = 2000;

/** A proof as an entry of the results file: what it was, how it went, every phase and check with its duration. */
export function proofEntry(report: ProofReport | DrillReport, cluster: string): string {
  const parts = [
    `## ${formatTime(report.began)} · ${escapeMarkdown(cluster)} · ${escapeMarkdown(proofName(report))} · ${headVerdict(report)}\n`,
    facts(report),
    timings(report),
    checks(report),
    failures(report),
    isDrill(report) ? output(report) : '',
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function headVerdict(report: ProofReport | DrillReport): string {
  const objectives = isDrill(report) ? `, objectives ${report.met ? 'met' : 'NOT MET'}` : '';
  return `${verdictText(report.verdict)}${objectives}`;
}

function facts(report: ProofReport | DrillReport): string {
  const pairs: [string, string][] = [
    ['backup', report.backup],
    ...(isDrill(report) ? drillFacts(report) : []),
    ['verdict', verdictText(report.verdict)],
    ['reached', reachedText(report)],
    ['took', formatDuration(report.seconds)],
    ['ran on', `${hostText(report)}, Larder ${report.larderVersion}`],
  ];
  return pairs.map(([name, value]) => `- ${name}: ${escapeMarkdown(value)}\n`).join('');
}

function drillFacts(drill: DrillReport): [string, string][] {
  return [
    ['repository', drill.repository],
    ['target', drill.target],
    ...choiceTexts(drill).map((text): [string, string] => ['chosen', text]),
    ['recovery time (RTO)', recoveryTime(drill)],
    ['data that would have been lost (RPO)', lostTime(drill)],
  ];
}

function timings({ phases }: ProofReport): string {
  const rows = phases.map(({ name, seconds }) => [escapeMarkdown(words(name)), formatDuration(seconds)]);
  return rows.length === 0 ? '' : markdownTable(['phase', 'took'], rows);
}

function checks(report: ProofReport): string {
  const rows = report.checks.map(({ name, result, detail, seconds }) => [
    escapeMarkdown(words(name)),
    result === 'failed' ? '**FAILED**' : result,
    formatDuration(seconds),
    escapeMarkdown(detail),
  ]);
  return rows.length === 0
    ? 'Nothing was checked.\n'
    : markdownTable(['check', 'result', 'took', 'what was looked at'], rows);
}

function failures(report: ProofReport): string {
  const all = shortcomings(report);
  if (all.length === 0) return '';
  const shown = all.slice(0, MOST_SHORTCOMINGS).map((text) => `- ${escapeMarkdown(text)}\n`);
  const rest = all.length - shown.length;
  const more = rest === 0 ? '' : `- and ${rest} more: see the JSON file of this time\n`;
  return `What is wrong, or could not be looked at:\n\n${shown.join('')}${more}`;
}

/** Behind four blanks nothing is markup. */
function output({ applicationOutput }: DrillReport): string {
  if (applicationOutput === null || applicationOutput.trim() === '') return '';
  const text = applicationOutput.slice(0, LONGEST_OUTPUT).replaceAll('<!--', '<! --');
  const lines = text
    .split(/\r?\n/)
    .map((line) => `    ${line.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd')}\n`);
  return `The application's check said:\n\n${lines.join('')}`;
}
