import { decodeAuditRecord, NO_RECORDS, type AuditHead, type AuditRecord } from './audit-record.ts';

/** Something that is not as it was written. */
export interface AuditFinding {
  /** Of the file, from 1 on. */
  readonly line: number;
  readonly what: string;
}

export interface AuditReading {
  readonly records: readonly AuditRecord[];
  /** What changed, vanished or was put in; empty for a trail that is whole up to its head. */
  readonly findings: readonly AuditFinding[];
  /**
   * Lines that a crash or a full disk cut short while they were written: what they would have said was not recorded, and nothing
   * that was recorded is missing.
   */
  readonly torn: readonly number[];
  /** Of the last record. A trail that was cut off behind an earlier record is whole too: compare with a head noted elsewhere. */
  readonly head: AuditHead;
}

/** Reads a trail and checks every record and the chain between them. */
export function readTrail(text: string): AuditReading {
  const records: AuditRecord[] = [];
  const findings: AuditFinding[] = [];
  const torn: number[] = [];
  let head = NO_RECORDS;
  for (const [index, line] of linesOf(text).entries()) {
    const record = decodeAuditRecord(line);
    if (record === undefined) {
      if (isTorn(line)) torn.push(index + 1);
      else findings.push({ line: index + 1, what: 'is not the record that was written' });
      continue;
    }
    const break_ = chainBreak(record, head);
    if (break_ !== undefined) findings.push({ line: index + 1, what: break_ });
    records.push(record);
    head = record;
  }
  return { records, findings, torn, head: { number: head.number, hash: head.hash } };
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** A record ends with its hash; a beginning of one does not. */
function isTorn(line: string): boolean {
  return line === '' || !line.endsWith('"}');
}

function chainBreak(record: AuditRecord, head: AuditHead): string | undefined {
  if (record.number === head.number + 1 && record.previous === head.hash) return undefined;
  if (record.number > head.number + 1)
    return `record ${record.number} follows record ${head.number}: what stood between them is missing`;
  return `record ${record.number} does not belong behind record ${head.number}`;
}
