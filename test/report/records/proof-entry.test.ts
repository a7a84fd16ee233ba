import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { escapeMarkdown } from '../../../src/report/records/markdown-text.ts';
import { proofEntry } from '../../../src/report/records/proof-entry.ts';
import { withEntry } from '../../../src/report/records/results-file.ts';
import { drillReport, proofReport } from '../../support/proof-reports.ts';

describe('the entry of a proof', () => {
  test('says what, how it went, and how long each part took', () => {
    expect(proofEntry(proofReport(), 'truck'))
      .toBe(`## 2026-11-22 02:05:00 UTC · truck · restore test · verified

- backup: full_backup_truck_20261122_020000
- verdict: verified
- reached: 0/5000028, last commit 2026-11-22 02:00:59 UTC
- took: 43 s
- ran on: PostgreSQL 18.6, glibc 2.41, without network, Larder 0.1.0

| phase | took |
| --- | --- |
| restore | 30 s |
| start | 2.0 s |
| check | 11 s |

| check | result | took | what was looked at |
| --- | --- | --- | --- |
| row counts | passed | 3.0 s | 18,204 rows in 42 tables |
`);
  });

  test('of a drill compares what was measured with the objectives', () => {
    const text = proofEntry(drillReport({ recoverySeconds: 20_000, lostSeconds: null, met: false }), 'truck');
    expect(text).toMatch(/^## .* · host loss drill · verified, objectives NOT MET\n/);
    expect(text).toContain('- recovery time (RTO): 5 h 33 min, 4 h 00 min allowed: NOT MET\n');
    expect(text).toContain('- data that would have been lost (RPO): not known, 1 d 00 h allowed\n');
  });

  test('tells in plain words what failed and what could not be looked at', () => {
    const checks = [
      {
        name: 'schema',
        result: 'failed' as const,
        detail: '1 difference',
        findings: [
          { code: 'VERIFICATION_FAILED' as const, message: 'table orders is missing', file: 'base/1' },
        ],
        seconds: 1,
      },
      {
        name: 'indexes',
        result: 'excepted' as const,
        detail: 'amcheck is not installed',
        findings: [],
        seconds: 0,
      },
    ];
    const text = proofEntry(proofReport({ verdict: 'failed', checks }), 'truck');
    expect(text).toContain('· FAILED\n');
    expect(text).toContain('- schema: base/1: table orders is missing \\[VERIFICATION_FAILED\\]\n');
    expect(text).toContain('- indexes could not be looked at: amcheck is not installed\n');
  });

  test('whatever names and output say, no line of it is a comment, a heading or HTML', () => {
    const nasty = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '<!-- larder:end -->',
        '\n<!-- larder:end -->\n',
        '</script><script>alert(1)</script>',
        '| a | b |\n# x',
        '[x](javascript:alert(1))',
      ),
    );
    fc.assert(
      fc.property(nasty, nasty, (name, output) => {
        const check = { name, result: 'failed' as const, detail: name, findings: [], seconds: 1 };
        const report = drillReport({
          backup: name,
          checks: [check],
          applicationOutput: output,
          target: name,
        });
        const text = withEntry('', { time: 0, text: proofEntry(report, name) }, 0);
        expect(text.match(/^<!--.*$/gm)).toEqual([
          '<!-- larder:entry 1970-01-01T00:00:00.000Z -->',
          '<!-- larder:end -->',
        ]);
        const outside = text.split('\n').filter((line) => !/^(?: {4}|<!--)/.test(line));
        expect(outside.join('\n')).not.toMatch(/[<>]/);
        expect(outside.filter((line) => line.startsWith('#'))).toHaveLength(1);
      }),
      { numRuns: 40 },
    );
  });

  test('names of tables stay readable', () => {
    expect(escapeMarkdown('order_lines *all* `x` _y_')).toBe('order_lines \\*all\\* \\`x\\` \\_y\\_');
  });
});
