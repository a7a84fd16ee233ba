import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { reportText } from '../../src/cli/report-text.ts';
import { makeReport } from '../../src/report/make-report.ts';
import { badFacts, strategyFacts } from '../support/report/strategy-facts.ts';

test('the text of a strategy of three days is this one', async () => {
  const text = reportText(makeReport(strategyFacts({ runs: { value: [] } }, 3)));
  expect(text).toBe(await readFile(join(import.meta.dirname, 'report-text.txt'), 'utf8'));
});

test('the first line is the verdict, and every reason stands before the numbers', () => {
  const report = makeReport(badFacts());
  const text = reportText(report);
  expect(text).toMatch(/^truck: FAILING\. What is wanted does not hold\.\n/);
  const head = text.slice(0, text.indexOf('\nobjectives\n'));
  for (const reason of report.verdict.reasons) expect(head).toContain(reason.text);
});

test('what came from outside steers no terminal', () => {
  const facts = strategyFacts(
    { repository: '/backups\u001b[2J\nok', receiver: { unknown: 'no\u009b1m\r\nok' } },
    2,
  );
  // line feeds are the text's own
  expect(reportText(makeReport(facts)).replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  expect(reportText(makeReport(facts))).not.toMatch(/^ok/m);
});
