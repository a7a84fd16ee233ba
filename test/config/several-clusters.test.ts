import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LarderError } from '../../src/errors.ts';
import { loadConfig } from '../../src/config/load.ts';
import { printConfig } from '../../src/config/print.ts';
import { readFileWithMode } from '../../src/config/read-file.ts';

const url = 'postgresql://larder:hunter2@db/truck';
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'larder-config-'));
  await mkdir(join(directory, 'config'));
});
afterEach(() => rm(directory, { recursive: true }));

function load(environment: NodeJS.ProcessEnv) {
  return loadConfig({ environment, workingDirectory: directory, readFile: readFileWithMode });
}

async function failure(environment: NodeJS.ProcessEnv): Promise<LarderError> {
  try {
    await load(environment);
  } catch (error) {
    return error as LarderError;
  }
  throw new Error('it was accepted');
}

function yaml(text: string): Promise<void> {
  return writeFile(join(directory, 'config/larder.yaml'), text, { mode: 0o600 });
}

describe('several clusters', () => {
  const two = `
clusters:
  a: { connection: "user=u", repository: { path: ./a } }
  b: { connection: "user=u", repository: { path: ./b } }
`;

  test('each have their own settings', async () => {
    await yaml(two);
    const config = await load({ LARDER_HTTP_PORT: '1' });
    expect(config.clusters.map((each) => each.repositoryPath)).toEqual([
      join(directory, 'a'),
      join(directory, 'b'),
    ]);
  });

  test('cannot be meant by a variable of one cluster', async () => {
    await yaml(two);
    const error = await failure({ BACKUP_DIR: '/x', DATABASE_PASSWORD: 'x' });
    expect(error.message).toContain('BACKUP_DIR: the file describes 2 clusters');
    expect(error.message).toContain('DATABASE_PASSWORD: the file describes 2 clusters');
  });

  test('cannot share a repository', async () => {
    await yaml('clusters: { a: { connection: "user=u" }, b: { connection: "user=u" } }');
    expect((await failure({})).message).toContain('is the repository of a already');
  });
});

test('the effective configuration prints as YAML with the origin of every value', async () => {
  await yaml('http: { port: 1000 }\n');
  const text = printConfig(
    await load({ DATABASE_URL: url, DATABASE_PASSWORD: 'x', BACKUP_COMPRESSION: 'none' }),
  );
  expect(text).toContain('connection: postgresql://larder@db:5432/truck?sslmode=prefer');
  expect(text).toMatch(/^ {4}password: "\*\*\*" # DATABASE_PASSWORD$/m);
  expect(text).toMatch(/^ {6}compression: none # BACKUP_COMPRESSION$/m);
  expect(text).toMatch(/^ {2}port: 1000 # config\/larder\.yaml$/m);
  expect(text).toMatch(/^ {2}host: 127\.0\.0\.1 # default$/m);
});
