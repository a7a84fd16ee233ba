import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { makeReport } from '../../../src/report/make-report.ts';
import { escapeHtml, html } from '../../../src/report/page/html.ts';
import { PAGE_POLICY, reportPage } from '../../../src/report/page/report-page.ts';
import type { StrategyReport } from '../../../src/report/strategy-report.ts';
import { badFacts, strategyFacts } from '../../support/report/strategy-facts.ts';

/** Tags as a browser finds them, with their attributes' names. */
function tagsOf(page: string): string[] {
  const body = page.replace(/<style>[^]*?<\/style>/, '');
  return [...body.matchAll(/<(\/?[a-z0-9]+)((?:\s+[a-z-]+(?:="[^"<>]*")?)*)\s*\/?>/gi)].map(
    ([, name, attributes]) =>
      [name, ...[...(attributes ?? '').matchAll(/([a-z-]+)="[^"]*"/gi)].map(([, each]) => each)].join(' '),
  );
}

/** The report with one text in the place of each of its texts. */
function withText(value: unknown, text: string): unknown {
  if (Array.isArray(value)) return value.map((each) => withText(each, text));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      typeof each === 'string' && FREE.includes(key) ? text : withText(each, text),
    ]),
  );
}
function shortened(recovery: StrategyReport['recovery']): StrategyReport['recovery'] {
  return recovery === null ? null : { ...recovery, backups: recovery.backups.slice(-3) };
}
const FREE = [
  'cluster',
  'repository',
  'id',
  'name',
  'backup',
  'text',
  'sentence',
  'basis',
  'task',
  'code',
  'message',
  'hint',
  'wanted',
  'kept',
  'remark',
  'why',
  'what',
  'when',
  'currency',
  'reason',
  'segments',
  'problem',
  'larderVersion',
];

describe('the page', () => {
  test('stands by itself: no script, no address of anybody else, and only its own style sheet', () => {
    const page = reportPage(makeReport(badFacts()));
    expect(page).not.toMatch(/<script|<link|<img|<iframe|https?:\/\/|url\(|@import| style="| on[a-z]+="/i);
    const style = /<style>([^]*?)<\/style>/.exec(page)?.[1] ?? '';
    expect(PAGE_POLICY).toContain(createHash('sha256').update(style).digest('base64'));
    expect(page).toContain(`content="${escapeHtml(PAGE_POLICY)}"`);
  });

  test('says the verdict before everything else, and what can be restored', () => {
    const page = reportPage(makeReport(badFacts()));
    expect(page).toContain('<title>Failing: backups of truck</title>');
    expect(page.indexOf('class="verdict is-failing"')).toBeLessThan(page.indexOf('<main>'));
    expect(page).toContain('Any second between 2026-11-19 02:00:53 UTC and 2026-11-24 21:14:00 UTC');
  });

  test('every tag that is opened is closed', () => {
    const open: string[] = [];
    const alone = ['meta', 'br', 'line'];
    for (const tag of tagsOf(reportPage(makeReport(badFacts())))) {
      const name = tag.split(' ')[0] ?? '';
      if (alone.includes(name)) continue;
      if (name.startsWith('/')) expect(`/${open.pop() ?? ''}`).toBe(name);
      else open.push(name);
    }
    expect(open).toEqual([]);
  });

  test('whatever stands in its texts, the tags are the same', () => {
    const whole = makeReport(badFacts());
    const report = {
      ...whole,
      recovery: shortened(whole.recovery),
      proofs: whole.proofs?.slice(0, 3) ?? null,
    };
    const plain = tagsOf(reportPage(withText(report, 'x') as StrategyReport));
    const nasty = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1 }),
      fc.constantFrom(
        '</script><script>alert(1)</script>',
        '"><img src=x onerror=alert(1)>',
        "' onload='alert(1)",
        '</style><b>',
        '<!-- ',
        ']]>',
        '${x}',
        '$&',
      ),
    );
    fc.assert(
      fc.property(nasty, (text) => {
        const page = reportPage(withText(report, text) as StrategyReport);
        expect(tagsOf(page)).toEqual(plain);
        expect(page).not.toMatch(/<(?:script|img|b>)/i);
      }),
      { numRuns: 15 },
    );
  });

  test('of an empty strategy can be drawn too', () => {
    const unknown = { unknown: 'away' };
    const nothing = { catalogue: unknown, log: unknown, stored: unknown, runs: unknown, evidence: unknown };
    const page = reportPage(makeReport(strategyFacts({ ...nothing, proofs: unknown, wanted: undefined })));
    expect(page).toContain('class="verdict is-unknown"');
    expect(page).not.toMatch(/NaN|Infinity|undefined|null/);
  });

  test('no number of a drawing is none', () => {
    for (const days of [1, 2, 35, 200])
      expect(reportPage(makeReport(strategyFacts({}, days)))).not.toMatch(/="(?:NaN|-?Infinity|undefined)/);
  });
});

test('what is put into a template is text, and what a template made is not', () => {
  const made = html`<b title="${'"<&>\''}">${['<i>', html`<i>1</i>`, 2]}</b>`;
  expect(made.text).toBe('<b title="&#34;&#60;&#38;&#62;&#39;">&#60;i&#62;<i>1</i>2</b>');
});
