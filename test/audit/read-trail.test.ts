import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  AUDIT_ACTIONS,
  encodeAuditRecord,
  NO_RECORDS,
  type AuditEntry,
} from '../../src/audit/audit-record.ts';
import { readTrail } from '../../src/audit/read-trail.ts';

const entry: fc.Arbitrary<AuditEntry> = fc.record({
  time: fc.integer({ min: 0, max: 4_102_444_800_000 }),
  actor: fc.string(),
  action: fc.constantFrom(...AUDIT_ACTIONS),
  subject: fc.string({ unit: 'binary' }),
  details: fc.dictionary(
    fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
    fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
  ),
});
const entries = fc.array(entry, { minLength: 1, maxLength: 8 });

function linesOf(all: readonly AuditEntry[]): string[] {
  let head = NO_RECORDS;
  return all.map((each) => {
    const encoded = encodeAuditRecord(each, head);
    head = encoded.head;
    return encoded.line;
  });
}

const read = (lines: readonly string[]) => readTrail(lines.map((line) => `${line}\n`).join(''));

describe('the audit trail', () => {
  test('gives back what was written, unbroken', () => {
    fc.assert(
      fc.property(entries, (all) => {
        const { records, findings, torn, head } = read(linesOf(all));
        expect(findings).toEqual([]);
        expect(torn).toEqual([]);
        expect(head.number).toBe(all.length);
        expect(
          records.map(({ time, actor, action, subject, details }) => ({
            time,
            actor,
            action,
            subject,
            details,
          })),
        ).toEqual(all.map((each) => ({ ...each, details: { ...each.details } })));
      }),
    );
  });

  test('tells of a record that was changed, wherever', () => {
    fc.assert(
      fc.property(
        entries,
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 32, max: 126 }),
        (all, which, where, code) => {
          const lines = linesOf(all);
          const index = which % lines.length;
          const line = lines[index]!;
          const place = where % line.length;
          const changed = `${line.slice(0, place)}${String.fromCharCode(code)}${line.slice(place + 1)}`;
          fc.pre(changed !== line);
          const { findings, torn } = read(lines.with(index, changed));
          expect(findings.length + torn.length).toBeGreaterThan(0);
          // what comes behind it does not hang together any more
          if (index < lines.length - 1) expect(findings.length).toBeGreaterThan(0);
        },
      ),
    );
  });

  test('tells of records that were taken out, put in or exchanged', () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 3, maxLength: 8 }), fc.nat(), entry, (all, which, other) => {
        const lines = linesOf(all);
        const index = which % (lines.length - 1);
        expect(read(lines.toSpliced(index, 1)).findings).not.toEqual([]);
        const [foreign = ''] = linesOf([other]);
        expect(read(lines.toSpliced(index + 1, 0, foreign)).findings).not.toEqual([]);
        const [one = '', next = ''] = lines.slice(index, index + 2);
        expect(read(lines.toSpliced(index, 2, next, one)).findings).not.toEqual([]);
      }),
    );
  });

  test('goes on behind a line that a crash cut short, and tells of it', () => {
    const all: AuditEntry = { time: 0, actor: 'a', action: 'backup', subject: 's', details: {} };
    const [first = '', second = ''] = linesOf([all, all]);
    const reading = read([first, second.slice(0, 30), second]);
    expect(reading.findings).toEqual([]);
    expect(reading.torn).toEqual([2]);
    expect(reading.head.number).toBe(2);
  });
});
