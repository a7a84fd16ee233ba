import { Command } from 'commander';
import { AuditTrail } from '../audit/audit-trail.ts';
import type { AuditRecord } from '../audit/audit-record.ts';
import type { AuditReading } from '../audit/read-trail.ts';
import { LarderError } from '../errors.ts';
import { checkEvidence, type EvidenceCheck } from '../report/records/check-evidence.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { formatTime, plural, printable } from '../format.ts';
import { formatTable } from './table.ts';

interface AuditOptions {
  readonly json?: true;
}

/** `larder audit`, and what stands below it. */
export function auditCommand(parts: CliParts): Command {
  const command = new Command('audit').description(
    'who did what: an append-only trail, each record chained to the last',
  );
  command
    .command('list')
    .description('print the trail, oldest first')
    .option('--json', 'print the records as JSON')
    .action((options: AuditOptions) => list(parts, options));
  command
    .command('verify')
    .description(
      'check that no record, and no report of a proof that one vouches for, was changed, removed or put in; exit 7 when one was',
    )
    .option('--json', 'print the result as JSON')
    .action((options: AuditOptions) => verify(parts, options));
  return command.addHelpText('after', EXAMPLES);
}

const EXAMPLES = `
Examples:
  $ larder audit list
  $ larder audit verify
  $ larder audit list --json | jq '.records[] | select(.action == "restore")'

A trail that was cut off at its end looks whole. Keep the head that "verify" prints somewhere else, and compare.`;

interface Read {
  readonly trail: AuditTrail;
  readonly reading: AuditReading;
  /** Where the files lie that the trail vouches for. */
  readonly directory: string;
}

async function read({ loadConfig, clock }: CliParts): Promise<Read> {
  const { stateDirectory, report } = await loadConfig();
  const trail = new AuditTrail(stateDirectory, clock);
  return { trail, reading: await trail.read(), directory: report.directory };
}

async function list(parts: CliParts, { json }: AuditOptions): Promise<void> {
  const { reading } = await read(parts);
  if (json === true) {
    writeJson(parts.stdout, { records: reading.records.map(forPrograms) });
    return;
  }
  const rows = reading.records.map(({ time, actor, action, subject, details }) => [
    formatTime(new Date(time).toISOString()),
    actor,
    action,
    subject,
    String(details['result'] ?? ''),
  ]);
  const columns = ['TIME', 'WHO', 'WHAT', 'TO WHAT', 'RESULT'].map((title) => ({ title }));
  parts.stdout.write(formatTable(columns, rows));
}

async function verify(parts: CliParts, { json }: AuditOptions): Promise<void> {
  const { trail, reading, directory } = await read(parts);
  const reports = await checkEvidence(reading.records, directory);
  const { findings, torn, head } = reading;
  if (json === true)
    writeJson(parts.stdout, { records: head.number, head: head.hash, findings, torn, reports });
  else parts.stdout.write(`${trailText(trail, reading)}${reportsText(reports, directory)}`);
  const changed =
    findings.length > 0 ? `the audit trail ${trail.path} is not as it was written` : firstOf(reports);
  if (changed !== undefined) {
    throw new LarderError('VERIFICATION_FAILED', changed, {
      hint: 'Somebody changed it, or the disk did. Keep the file, and find out who could write there.',
    });
  }
}

function trailText({ path }: AuditTrail, { findings, torn, head }: AuditReading): string {
  const lines = [
    ...findings.map(({ line, what }) => `line ${line} ${what}`),
    ...torn.map((line) => `line ${line} was cut short by a crash or a full disk`),
    ...(findings.length > 0
      ? []
      : [`${path}: ${plural(head.number, 'record')}, unbroken`, `head ${head.hash}`]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** Nothing where there are neither files nor records of them. */
function reportsText({ unchanged, findings, unrecorded }: EvidenceCheck, directory: string): string {
  const lines = [
    ...findings.map(({ file, what }) => `report ${file} ${what}`),
    ...unrecorded.map((file) => `report ${file} is not in the trail: nobody vouches for it`),
    ...(unchanged > 0 ? [`${directory}: ${plural(unchanged, 'report')} as written`] : []),
  ];
  return lines.map((line) => `${printable(line)}\n`).join('');
}

function firstOf({ findings: [first] }: EvidenceCheck): string | undefined {
  return first === undefined ? undefined : `the report ${first.file} ${first.what}`;
}

function forPrograms(record: AuditRecord): object {
  return { ...record, time: new Date(record.time).toISOString() };
}
