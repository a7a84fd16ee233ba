import { describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { VARIABLE_NAMES } from '../../src/config/environment.ts';

interface Service {
  image: string;
  user: string;
  read_only: boolean;
  cap_drop: string[];
  security_opt: string[];
  pids_limit: number;
  environment?: Record<string, string>;
  secrets?: string[];
  volumes: string[];
  tmpfs: string[];
  networks: string[];
  ports?: string[];
  healthcheck: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
  stop_grace_period?: string;
}
interface Compose {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean }>;
  volumes: Record<string, object>;
  secrets: Record<string, { file: string }>;
}

const ROOT = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');
const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose;
const services = Object.entries(compose.services);
const larder = compose.services['larder']!;

test('docker-compose.yml starts the database, Larder beside it, and what watches it', () => {
  expect(services.map(([name]) => name).sort()).toEqual([
    'alertmanager',
    'database',
    'grafana',
    'larder',
    'prometheus',
  ]);
});

describe.each(services)('the service %s', (_name, service) => {
  test('runs without root and capabilities, on a root file system that cannot be written', () => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      tmpfs: expect.arrayContaining(['/tmp']),
    });
    expect(service.user).toMatch(/^[1-9]\d*:\d+$/);
    expect(service.pids_limit).toBeGreaterThan(0);
    expect(service).not.toHaveProperty('privileged');
    expect(service).not.toHaveProperty('cap_add');
    expect(service).not.toHaveProperty('network_mode');
  });

  test('is pinned to a version, and has a healthcheck', () => {
    expect(service.image).toMatch(/:v?\d+(\.\d+)*(-bookworm)?$/);
    expect(service.healthcheck.test[0]).toBe('CMD');
  });

  test('is reached from this machine only, and has every secret from a file', () => {
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
    for (const [variable, value] of Object.entries(service.environment ?? {})) {
      if (!/PASSWORD|SECRET|TOKEN|KEY/.test(variable)) continue;
      expect(variable).toMatch(/_FILE$/);
      expect(service.secrets).toContain(/^\/run\/secrets\/(\w+)$/.exec(value)?.[1]);
    }
  });

  test('mounts only what is declared or there, and writes to volumes alone', () => {
    for (const volume of service.volumes) {
      const [source, , mode] = volume.split(':') as [string, string, string?];
      if (!source.startsWith('./')) {
        expect(Object.keys(compose.volumes)).toContain(source);
        continue;
      }
      expect(mode).toBe('ro');
      expect([source, existsSync(new URL(source, ROOT))]).toEqual([source, true]);
    }
    for (const network of service.networks) expect(Object.keys(compose.networks)).toContain(network);
    for (const secret of service.secrets ?? []) expect(Object.keys(compose.secrets)).toContain(secret);
  });
});

test('Larder knows every variable it is given, has no password in its URL, and keeps backups and state on volumes', () => {
  const ours = Object.keys(larder.environment!).filter((name) => /^(LARDER|BACKUP|DATABASE)_/.test(name));
  for (const name of ours) expect(VARIABLE_NAMES).toContain(name);
  expect(new URL(larder.environment!['DATABASE_URL']!).password).toBe('');
  expect(larder.volumes).toEqual(['backups:/var/lib/larder/backups', 'state:/var/lib/larder/state']);
});

test('Larder is given more time to stop than it takes, is judged by its liveness, and waits for a healthy database', () => {
  expect(Number.parseInt(larder.stop_grace_period!, 10)).toBeGreaterThan(10);
  expect(larder.healthcheck.test.at(-1)).toBe('/opt/larder/deploy/container/healthcheck.mjs');
  expect(read('deploy/container/healthcheck.mjs')).toContain('/health/live`');
  expect(larder.depends_on).toEqual({ database: { condition: 'service_healthy' } });
});

test('only Larder reaches the database, which reaches nobody outside', () => {
  expect(compose.networks['database']).toEqual({ internal: true });
  const beside = services.filter(([, { networks }]) => networks.includes('database'));
  expect(beside.map(([name]) => name).sort()).toEqual(['database', 'larder']);
  expect(compose.services['database']!.networks).toEqual(['database']);
  expect(compose.services['database']).not.toHaveProperty('ports');
});

test('Prometheus scrapes Larder where it listens, and hands alerts to the Alertmanager of the file', () => {
  const prometheus = parse(read('deploy/prometheus/prometheus.yml')) as {
    scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
    alerting: { alertmanagers: { static_configs: { targets: string[] }[] }[] };
  };
  const scraped = prometheus.scrape_configs.find(({ job_name: job }) => job === 'larder');
  expect(scraped?.static_configs).toEqual([{ targets: [`larder:${larder.ports![0]!.split(':').at(-1)}`] }]);
  expect(larder.environment).toMatchObject({ LARDER_HTTP_HOST: '0.0.0.0' });
  expect(prometheus.alerting.alertmanagers).toEqual([
    { static_configs: [{ targets: ['alertmanager:9093'] }] },
  ]);
  for (const name of ['larder', 'prometheus', 'alertmanager', 'grafana']) {
    expect(compose.services[name]!.networks).toContain('monitoring');
  }
});

test('Alertmanager reads its secrets where they are mounted', () => {
  const files = [...read('deploy/alertmanager/alertmanager.yml').matchAll(/_file: (\S+)/g)].map(
    ([, file]) => file,
  );
  expect(new Set(files)).toEqual(
    new Set(compose.services['alertmanager']!.secrets!.map((name) => `/run/secrets/${name}`)),
  );
});

test('the volume of the database lies where images from 18 on keep their data', () => {
  expect(compose.services['database']!.image).toMatch(/^postgres:18/);
  expect(compose.services['database']!.volumes[0]).toBe('database:/var/lib/postgresql');
});

test('the directory of the secrets is neither committed nor sent to a build', () => {
  for (const { file } of Object.values(compose.secrets)) expect(file).toMatch(/^\.\/deploy\/secrets\//);
  expect(read('.gitignore').split('\n')).toContain('/deploy/secrets/');
  const sent = read('.dockerignore').split('\n');
  expect(sent).toContain('*');
  expect(sent.filter((line) => line.startsWith('!deploy'))).toEqual(['!deploy/container']);
});
