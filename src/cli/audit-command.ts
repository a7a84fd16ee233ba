import { Command } from 'commander';
import { AuditTrail } from '../audit/audit-trail.ts';
import type { AuditRecord } from '../audit/audit-record.ts';
import type { AuditReading } from '../audit/read-trail.ts';
import { LarderError } from '../errors.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { formatTime, plural } from './format.ts';
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
    .description('check that no record was changed, removed or put in; exit 7 when one was')
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

async function read({ loadConfig, clock }: CliParts): Promise<{ trail: AuditTrail; reading: AuditReading }> {
  const trail = new AuditTrail((await loadConfig()).stateDirectory, clock);
  return { trail, reading: await trail.read() };
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
  const { trail, reading } = await read(parts);
  const { findings, torn, head } = reading;
  if (json === true) writeJson(parts.stdout, { records: head.number, head: head.hash, findings, torn });
  else {
    for (const { line, what } of findings) parts.stdout.write(`line ${line} ${what}\n`);
    for (const line of torn) parts.stdout.write(`line ${line} was cut short by a crash or a full disk\n`);
    if (findings.length === 0)
      parts.stdout.write(`${trail.path}: ${plural(head.number, 'record')}, unbroken\nhead ${head.hash}\n`);
  }
  if (findings.length > 0) {
    throw new LarderError('VERIFICATION_FAILED', `the audit trail ${trail.path} is not as it was written`, {
      hint: 'Somebody changed it, or the disk did. Keep the file, and find out who could write there.',
    });
  }
}

function forPrograms(record: AuditRecord): object {
  return { ...record, time: new Date(record.time).toISOString() };
}
