import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const DEPLOY = fileURLToPath(new URL('../../../deploy/', import.meta.url));

export interface AlertRule {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; description: string; runbook_url: string };
}
export interface RuleFile {
  groups: { name: string; interval?: string; rules: AlertRule[] }[];
}

/** The alert rules as they are shipped. */
export function ruleFile(): RuleFile {
  return parse(readFileSync(`${DEPLOY}prometheus/rules/larder.yml`, 'utf8')) as RuleFile;
}

export function alertRules(): AlertRule[] {
  return ruleFile().groups.flatMap(({ rules }) => rules);
}

interface Panel {
  title: string;
  type: string;
  datasource?: { uid: string };
  targets?: { expr: string; datasource: { uid: string } }[];
}
export interface Dashboard {
  uid: string;
  title: string;
  panels: Panel[];
  templating: { list: { name: string; definition: string }[] };
}

/** The dashboard as it is shipped. */
export function dashboard(): Dashboard {
  return JSON.parse(readFileSync(`${DEPLOY}grafana/dashboards/larder.json`, 'utf8')) as Dashboard;
}

/** Every expression of the dashboard, for all clusters, with the panel that it stands in. */
export function panelExpressions(): { panel: string; expr: string }[] {
  return dashboard().panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ panel: title, expr: expr.replaceAll('$cluster', '.*') })),
  );
}

/** The names of Larder's metrics in an expression. */
export function metricsIn(expr: string): string[] {
  return [...expr.matchAll(/\b(?:larder|process)_[a-z_]+/g)].map(([name]) => name);
}
