import { expect, test } from '@jest/globals';
import { readFileSync, readdirSync } from 'node:fs';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';

const DIRECTORY = new URL('../../deploy/kubernetes/', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, DIRECTORY), 'utf8');

interface Named {
  name: string;
}
interface Pod {
  automountServiceAccountToken: boolean;
  enableServiceLinks: boolean;
  terminationGracePeriodSeconds: number;
  securityContext: Record<string, unknown>;
  containers: (Named & {
    args: string[];
    env: (Named & { value: string })[];
    ports: (Named & { containerPort: number })[];
    securityContext: Record<string, unknown>;
    volumeMounts: (Named & { mountPath: string; readOnly?: boolean })[];
    resources: { limits: Record<string, string> };
    livenessProbe: Probe;
    readinessProbe: Probe;
    startupProbe: Probe;
  })[];
  volumes: (Named & { secret?: { secretName: string; defaultMode: number }; configMap?: Named })[];
}
interface Probe {
  httpGet: { path: string; port: string };
}
interface StatefulSet {
  metadata: Named;
  spec: {
    serviceName: string;
    replicas: number;
    selector: { matchLabels: Record<string, string> };
    template: { metadata: { labels: Record<string, string> }; spec: Pod };
    volumeClaimTemplates: {
      metadata: Named;
      spec: { resources: { requests: { storage: string } } };
    }[];
  };
}

const kustomization = parse(read('kustomization.yaml')) as {
  resources: string[];
  secretGenerator: (Named & { files: string[] })[];
};
const { spec: set } = parse(read('stateful-set.yaml')) as StatefulSet;
const pod = set.template.spec;
const larder = pod.containers[0]!;
const config = parse(read('config-map.yaml')) as { metadata: Named; data: Record<string, string> };
const service = parse(read('service.yaml')) as {
  metadata: Named;
  spec: { selector: object; ports: { port: number; targetPort: string }[] };
};
const policy = parse(read('network-policy.yaml')) as {
  spec: { podSelector: { matchLabels: object }; policyTypes: string[]; ingress: { from: object[] }[] };
};

const asLoaded = () =>
  loadConfig({
    environment: { LARDER_CONFIG: '/etc/larder/larder.yaml' },
    workingDirectory: '/var/lib/larder',
    readFile: (path) =>
      Promise.resolve({
        text: path === '/etc/larder/larder.yaml' ? config.data['larder.yaml']! : 'x',
        mode: 0o440,
      }),
  });

test('every manifest is part of what is applied', () => {
  const files = readdirSync(DIRECTORY).filter((name) => name.endsWith('.yaml'));
  expect(files.sort()).toEqual([...kustomization.resources, 'kustomization.yaml'].sort());
});

test('the pod meets the "restricted" standard that its namespace enforces', () => {
  expect(read('namespace.yaml')).toContain('pod-security.kubernetes.io/enforce: restricted');
  expect(pod.securityContext).toMatchObject({
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
  });
  expect(pod.securityContext['fsGroup']).toBe(pod.securityContext['runAsUser']);
  expect(larder.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  expect(pod.automountServiceAccountToken).toBe(false);
  expect(larder.resources.limits).toHaveProperty('memory');
});

test('one pod writes, has time to stop, and keeps its volumes', () => {
  expect(set.replicas).toBe(1);
  expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(10);
  expect(read('stateful-set.yaml')).toContain('{ whenDeleted: Retain, whenScaled: Retain }');
});

test('a backup that failed restarts nothing: the probes ask whether the process lives and works', () => {
  expect(larder.livenessProbe.httpGet).toEqual({ path: '/health/live', port: 'http' });
  expect(larder.startupProbe.httpGet).toEqual({ path: '/health/live', port: 'http' });
  expect(larder.readinessProbe.httpGet).toEqual({ path: '/health/ready', port: 'http' });
});

test('the configuration can be used, and whatever it names is mounted', async () => {
  const loaded = await asLoaded();
  const mounts = new Map(larder.volumeMounts.map(({ mountPath, name }) => [mountPath, name]));
  expect(mounts.get(loaded.clusters[0]!.repositoryPath)).toBe('backups');
  expect(mounts.get(loaded.stateDirectory)).toBe('state');
  expect(larder.env).toEqual([{ name: 'LARDER_CONFIG', value: '/etc/larder/larder.yaml' }]);
  expect(loaded.http).toMatchObject({ host: '0.0.0.0', port: larder.ports[0]!.containerPort });
  const available = [...pod.volumes, ...set.volumeClaimTemplates.map(({ metadata }) => metadata)];
  expect([...mounts.values()].sort()).toEqual(available.map(({ name }) => name).sort());
  expect(pod.volumes.find(({ name }) => name === 'config')!.configMap).toEqual({
    name: config.metadata.name,
  });
});

test('the volume of the state holds a full spool', async () => {
  const claim = set.volumeClaimTemplates.find(({ metadata }) => metadata.name === 'state')!;
  const gib = /^(\d+)Gi$/.exec(claim.spec.resources.requests.storage)![1]!;
  const { spoolLimit } = (await asLoaded()).clusters[0]!.transactionLog;
  expect(Number(gib) * 1024 ** 3).toBeGreaterThan(spoolLimit);
});

test('the password is in no manifest: it is made a secret from a file that is not committed, and mounted for the group alone', () => {
  const [secret] = kustomization.secretGenerator;
  const [key, file] = secret!.files[0]!.split('=') as [string, string];
  const volume = pod.volumes.find(({ name }) => name === 'database')!.secret!;
  const mount = larder.volumeMounts.find(({ name }) => name === 'database')!;
  expect(volume.secretName).toBe(secret!.name);
  expect(volume.defaultMode).toBe(0o440);
  expect(config.data['larder.yaml']).toContain(`password-file: ${mount.mountPath}/${key}\n`);
  expect(
    new URL((parse(config.data['larder.yaml']!) as Config).clusters.production.connection).password,
  ).toBe('');
  expect(readFileSync(new URL('../../.gitignore', import.meta.url), 'utf8')).toContain(
    '/deploy/kubernetes/secrets/',
  );
  expect(file).toMatch(/^secrets\//);
});

interface Config {
  clusters: { production: { connection: string } };
}

test('service and network policy speak of this pod, and only the monitoring’s namespace gets in', () => {
  const labels = set.template.metadata.labels;
  expect(set.selector.matchLabels).toEqual(labels);
  expect(service.spec.selector).toEqual(labels);
  expect(policy.spec.podSelector.matchLabels).toEqual(labels);
  expect(set.serviceName).toBe(service.metadata.name);
  expect(service.spec.ports[0]!.targetPort).toBe(larder.ports[0]!.name);
  expect(policy.spec.policyTypes).toEqual(['Ingress', 'Egress']);
  expect(policy.spec.ingress.map(({ from }) => from.length)).toEqual([1]);
});
