import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { findFreePort } from '../../../src/postgres/server/free-port.ts';
import { eventually } from '../larder-process.ts';
import { startBeside } from './child.ts';
import { DEPLOY, ruleFile } from './rules.ts';
import { tool } from './tools.ts';

export interface Sample {
  metric: Record<string, string>;
  value: [number, string];
}
interface Answer<T> {
  status: string;
  error?: string;
  data: T;
}
interface LoadedRule {
  name: string;
  health: string;
  lastError?: string;
}

/** A Prometheus that scrapes one Larder every second. */
export interface TestPrometheus extends AsyncDisposable {
  /** What an expression gives now. Throws what Prometheus says against it. */
  query(expr: string): Promise<Sample[]>;
  /** Every rule, with what came of its last evaluation. */
  rules(): Promise<LoadedRule[]>;
  /** The names of the alerts that fire. */
  firing(): Promise<string[]>;
}

interface Targets {
  readonly directory: string;
  /** Ports on 127.0.0.1. */
  readonly larder: number;
  readonly alertmanager: number;
}

/** With the shipped configuration and rules; only addresses, intervals and the times that alerts wait are others. */
export async function startPrometheus({ directory, ...targets }: Targets): Promise<TestPrometheus> {
  const port = await findFreePort();
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'prometheus.yml'), stringify(await quickConfiguration(targets)));
  await writeFile(join(directory, 'rules.yml'), stringify(quickRules()));
  const program = startBeside(tool('prometheus'), [
    `--config.file=${join(directory, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn',
  ]);
  const ask = async <T>(path: string): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    const answer = (await response.json()) as Answer<T>;
    if (answer.status !== 'success') throw new Error(answer.error);
    return answer.data;
  };
  const isReady = async () => {
    if (program.ended()) throw new Error(program.output());
    const response = await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => undefined);
    return response?.ok === true;
  };
  try {
    await eventually(isReady, (ready) => ready, 60);
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
  return {
    query: async (expr) =>
      (await ask<{ result: Sample[] }>(`/api/v1/query?query=${encodeURIComponent(expr)}`)).result,
    rules: async () =>
      (await ask<{ groups: { rules: LoadedRule[] }[] }>('/api/v1/rules')).groups.flatMap(
        ({ rules }) => rules,
      ),
    firing: async () =>
      (await ask<{ alerts: { state: string; labels: { alertname: string } }[] }>('/api/v1/alerts')).alerts
        .filter(({ state }) => state === 'firing')
        .map(({ labels }) => labels.alertname),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

interface Configuration {
  global: object;
  rule_files: string[];
  alerting: { alertmanagers: object[] };
  scrape_configs: { job_name: string; static_configs: object[] }[];
}

async function quickConfiguration(ports: Omit<Targets, 'directory'>): Promise<Configuration> {
  const shipped = parse(await readFile(`${DEPLOY}prometheus/prometheus.yml`, 'utf8')) as Configuration;
  const at = (port: number) => [{ targets: [`127.0.0.1:${port}`] }];
  return {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: ['rules.yml'],
    alerting: {
      alertmanagers: shipped.alerting.alertmanagers.map(() => ({ static_configs: at(ports.alertmanager) })),
    },
    scrape_configs: shipped.scrape_configs
      .filter(({ job_name: job }) => job === 'larder')
      .map((job) => ({ ...job, static_configs: at(ports.larder) })),
  };
}

/** What waits for minutes waits for two seconds: the expressions are the shipped ones. */
function quickRules(): object {
  const { groups } = ruleFile();
  return {
    groups: groups.map((group) => ({
      ...group,
      rules: group.rules.map((rule) => (rule.for === undefined ? rule : { ...rule, for: '2s' })),
    })),
  };
}
