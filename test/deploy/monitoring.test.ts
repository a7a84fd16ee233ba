import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { Metrics } from '../../src/observability/metrics.ts';
import { metricsOptions } from '../support/monitoring/backup-facts.ts';
import { alertRules, dashboard, DEPLOY, metricsIn, panelExpressions } from '../support/monitoring/rules.ts';
import { monitoringTest, runTool } from '../support/monitoring/tools.ts';

const read = (path: string) => readFileSync(`${DEPLOY}${path}`, 'utf8');
const succeeded = { code: 0, output: expect.not.stringContaining('FAILED') as unknown };

/** By the minute, by five minutes, by the hour. */
const RULE_TESTS = ['larder', 'hours', 'weeks'];

interface RuleTests {
  tests: { promql_expr_test: { exp_samples: { labels: string }[] }[] }[];
}
/** What Larder exports: names without the endings of histograms. */
const exported = async () => {
  const text = await new Metrics({ version: '0', revision: '', nodeVersion: '' }, [metricsOptions()]).text();
  return new Set(text.split('\n').flatMap((line) => /^# TYPE (\S+)/.exec(line)?.[1] ?? []));
};

monitoringTest(
  'Prometheus takes the configuration and the rules, and the rules pass their tests',
  async () => {
    expect(await runTool('promtool', ['check', 'config', `${DEPLOY}prometheus/prometheus.yml`])).toEqual(
      succeeded,
    );
    expect(await runTool('promtool', ['check', 'rules', `${DEPLOY}prometheus/rules/larder.yml`])).toEqual(
      succeeded,
    );
    const files = RULE_TESTS.map((name) => `${DEPLOY}prometheus/tests/${name}.yml`);
    expect(await runTool('promtool', ['test', 'rules', ...files])).toEqual(succeeded);
  },
  300_000,
);

monitoringTest('Alertmanager takes its configuration', async () => {
  expect(await runTool('amtool', ['check-config', `${DEPLOY}alertmanager/alertmanager.yml`])).toEqual(
    succeeded,
  );
});

test('every alert has a severity, words for people, a page that says what to do, and a test in which it fires', () => {
  const rules = alertRules();
  const pages = readFileSync(`${DEPLOY}../docs/alerts.md`, 'utf8');
  const tested = RULE_TESTS.flatMap((name) => {
    const { tests } = parse(read(`prometheus/tests/${name}.yml`)) as RuleTests;
    return tests.flatMap((each) => each.promql_expr_test.flatMap(({ exp_samples: samples }) => samples));
  });
  for (const { alert, labels, annotations } of rules) {
    expect(['critical', 'warning', 'none']).toContain(labels.severity);
    expect(annotations.summary).not.toBe('');
    expect(annotations.runbook_url).toBe(`docs/alerts.md#${alert.toLowerCase()}`);
    expect(pages).toContain(`\n### ${alert}\n`);
    expect(tested).toContainEqual(expect.objectContaining({ labels: `{alertname="${alert}"}` }));
  }
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
});

test('rules and panels name metrics that Larder exports, and no others', async () => {
  const known = await exported();
  const expressions = [...alertRules(), ...panelExpressions()].map(({ expr }) => expr);
  const used = new Set(
    expressions.flatMap(metricsIn).map((name) => name.replace(/_(bucket|sum|count)$/, '')),
  );
  expect([...used].filter((name) => !known.has(name))).toEqual([]);
});

test('the dashboard asks the data source that is provisioned, and shows all that an operator asks for', () => {
  const { datasources } = parse(read('grafana/provisioning/datasources/prometheus.yml')) as {
    datasources: { uid: string; url: string }[];
  };
  expect(datasources).toMatchObject([{ uid: 'larder-prometheus', url: 'http://prometheus:9090' }]);
  const { panels } = dashboard();
  for (const { datasource, targets = [] } of panels.filter(({ type }) => type !== 'row')) {
    expect([datasource, ...targets.map((target) => target.datasource)].map((each) => each?.uid)).toEqual(
      Array.from({ length: targets.length + 1 }, () => 'larder-prometheus'),
    );
    expect(targets).not.toEqual([]);
  }
  const used = new Set(panelExpressions().flatMap(({ expr }) => metricsIn(expr)));
  for (const name of [
    'recovery_window_start_timestamp_seconds',
    'last_verified_backup_timestamp_seconds',
    'rpo_target_seconds',
    'rto_target_seconds',
    'backup_last_stored_bytes',
    'job_last_duration_seconds',
    'wal_archive_lag_bytes',
    'repo_free_bytes',
    'schedule_next_run_timestamp_seconds',
  ]) {
    expect(used).toContain(`larder_${name}`);
  }
});
