import { expect, test } from '@jest/globals';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load.ts';
import { parseYaml } from '../../src/config/parse-yaml.ts';
import { readFileWithMode } from '../../src/config/read-file.ts';
import { CLUSTER_DEFAULTS, DEFAULTS } from '../../src/config/schema.ts';
import { VARIABLE_NAMES } from '../../src/config/environment.ts';

const path = join(import.meta.dirname, '../../config/larder.example.yaml');

test('the example file is a configuration', async () => {
  const config = await loadConfig({
    environment: { LARDER_CONFIG: path },
    workingDirectory: '/srv',
    readFile: readFileWithMode,
  });
  expect(config.clusters.map((each) => each.name)).toEqual(['truck']);
});

test('the example file names every default, and each as it is', async () => {
  const { text } = await readFileWithMode(path);
  const { clusters, ...service } = parseYaml(text, 'example') as {
    clusters: { truck: { connection: string } };
  };
  const { connection, ...cluster } = clusters.truck;
  expect(connection).toBeTruthy();
  expect(service).toEqual(DEFAULTS);
  expect(cluster).toEqual(CLUSTER_DEFAULTS);
});

test('the example file names every variable of a built feature', async () => {
  const { text } = await readFileWithMode(path);
  const plain = VARIABLE_NAMES.filter((name) => name !== 'DATABASE_PASSWORD');
  expect(plain.filter((name) => !text.includes(name))).toEqual([]);
});
