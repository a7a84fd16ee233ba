import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { Schedule } from '../../src/scheduler/schedule.ts';
import { DEFAULT_POLICY } from '../../src/retention/policy.ts';
import { makeConfigDirectory, type ConfigDirectory } from '../support/config-directory.ts';

const login = { address: { host: 'db', port: 5432 }, replication: false };
const url = 'postgresql://larder:hunter2@db/truck';
let place: ConfigDirectory;

beforeEach(async () => {
  place = await makeConfigDirectory();
});
afterEach(() => place.remove());

const load: ConfigDirectory['load'] = (environment) => place.load(environment);
const failure: ConfigDirectory['failure'] = (environment) => place.failure(environment);
const write: ConfigDirectory['write'] = (...file) => place.write(...file);
const yaml: ConfigDirectory['yaml'] = (text) => place.yaml(text);

describe('the environment alone', () => {
  test('describes one cluster named after its database, with defaults', async () => {
    const { settings, ...config } = await load({ DATABASE_URL: url });
    expect(config).toEqual({
      clusters: [
        {
          name: 'truck',
          connection: expect.objectContaining({ user: 'larder', hosts: [{ host: 'db', port: 5432 }] }),
          repositoryPath: join(place.path, 'backups'),
          schedules: {
            full: new Schedule('0 2 * * 0'),
            incremental: new Schedule('0 2 * * *'),
            transactionLog: new Schedule('0 */6 * * *'),
            restoreTest: new Schedule('0 4 * * 6'),
            drill: new Schedule('0 4 1 * *'),
            secondSiteTest: new Schedule('0 4 1 */3 *'),
            verifyAfterBackup: true,
            retention: new Schedule('0 5 * * *'),
            catchUp: 'latest',
            catchUpWindow: { full: 86_400_000, incremental: 21_600_000 },
            blackouts: [],
          },
          retention: DEFAULT_POLICY,
          transactionLog: {
            receive: true,
            sealTimeout: 600_000,
            ack: 'spool',
            tailInterval: 30_000,
            protect: 'primary',
            maxRetained: 32_000_000_000,
            spoolLimit: 8_000_000_000,
          },
          objectives: { rpo: 86_400_000, rto: 14_400_000, storage: 0.8 },
          compressionLevel: 1,
          workers: 2,
          drill: {
            target: 'newest',
            timeout: 24 * 3600 * 1000,
            application: undefined,
            secondSite: undefined,
          },
          maxChain: 14,
          backupTimeout: 86_400_000,
          stallTimeout: 900_000,
          verifyTimeout: 86_400_000,
          verify: {
            level: 'restore',
            keepScratch: false,
            scratchDirectory: undefined,
            binaries: {},
            sessions: 2,
            checks: [],
          },
        },
      ],
      parallelBackups: 1,
      http: { host: '127.0.0.1', port: 9847, tokens: [] },
      stateDirectory: join(place.path, 'larder-state'),
      report: {
        results: join(place.path, 'docs/backup-test-results.md'),
        directory: join(place.path, 'larder-state/reports'),
        pricePerGbMonth: undefined,
      },
      logLevel: 'info',
    });
    expect(settings.length).toBeGreaterThan(10);
  });

  test('sets every value it has a name for', async () => {
    const config = await load({
      DATABASE_URL: url,
      BACKUP_DIR: '/srv/backups',
      BACKUP_RETENTION_DAYS: '7',
      LARDER_RETENTION_WEEKS: '4',
      LARDER_RETENTION_MONTHS: '0',
      LARDER_RETENTION_YEARS: '1',
      LARDER_RETENTION_TRANSACTION_LOG: '2d',
      LARDER_RETENTION_FLOOR: '1',
      LARDER_RETENTION_GRACE: '0s',
      LARDER_RETENTION_TIMEZONE: 'Europe/Berlin',
      BACKUP_COMPRESSION: 'zstd:3',
      LARDER_BACKUP_WORKERS: '4',
      LARDER_BACKUP_TIMEOUT: '90m',
      LARDER_SCHEDULE_FULL: '0 3 * * 0',
      LARDER_OBJECTIVE_RPO: '7d',
      LARDER_OBJECTIVE_RTO: '30m',
      LARDER_OBJECTIVE_STORAGE: '90%',
      LARDER_HTTP_HOST: '0.0.0.0',
      LARDER_HTTP_PORT: '80',
      LARDER_STATE_DIR: '/var/lib/larder',
      LARDER_REPORT_RESULTS: 'none',
      LARDER_REPORT_DIRECTORY: '/srv/evidence',
      LARDER_REPORT_PRICE_PER_GB_MONTH: '0.023 USD',
      LARDER_LOG_LEVEL: 'debug',
    });
    expect(config).toMatchObject({
      clusters: [
        {
          repositoryPath: '/srv/backups',
          schedules: { full: { pattern: '0 3 * * 0', zone: 'UTC' } },
          retention: {
            days: 7,
            weeks: 4,
            months: 0,
            years: 1,
            transactionLog: 172_800_000,
            floor: 1,
            grace: 0,
            timezone: 'Europe/Berlin',
          },
          objectives: { rpo: 604_800_000, rto: 1_800_000, storage: 0.9 },
          compressionLevel: 3,
          workers: 4,
          maxChain: 14,
          backupTimeout: 5_400_000,
        },
      ],
      http: { host: '0.0.0.0', port: 80 },
      stateDirectory: '/var/lib/larder',
      report: {
        results: undefined,
        directory: '/srv/evidence',
        pricePerGbMonth: { amount: 0.023, currency: 'USD' },
      },
      logLevel: 'debug',
    });
  });

  test('says nothing with an empty variable', async () => {
    const config = await load({ DATABASE_URL: url, BACKUP_DIR: '', LARDER_HTTP_PORT: '' });
    expect(config.http.port).toBe(9847);
  });

  test('may hold what Kubernetes adds for a service called larder', async () => {
    const config = await load({
      DATABASE_URL: url,
      LARDER_SERVICE_HOST: '10.0.0.1',
      LARDER_SERVICE_PORT_HTTP: '9847',
      LARDER_PORT: 'tcp://10.0.0.1:9847',
      LARDER_PORT_9847_TCP_ADDR: '10.0.0.1',
    });
    expect(config.clusters).toHaveLength(1);
    expect((await failure({ DATABASE_URL: url, LARDER_PORT: '1' })).message).toContain(
      'LARDER_PORT: unknown',
    );
  });

  test('without a connection is refused', async () => {
    const error = await failure({});
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toContain('no cluster is described: set DATABASE_URL');
  });

  test('is refused with every problem at once', async () => {
    const error = await failure({
      DATABASE_URL: 'postgresql://u@db/truck?sslmod=require',
      BACKUP_COMPRESSION: 'gzip',
      LARDER_HTTP_PORT: '99999',
      LARDER_HTTP_PROT: '80',
      LARDER_OBJECTIVE_RPO: 'soon',
      BACKUP_DIR: 's3://bucket/prefix',
      LARDER_SCHEDULE_FULL: '0 2 31 2 *',
    });
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message.split('\n').map((line) => line.trim())).toEqual([
      'the configuration cannot be used:',
      'LARDER_HTTP_PROT: unknown environment variable (did you mean "LARDER_HTTP_PORT"?)',
      'BACKUP_DIR: repositories at s3:// are not built yet',
      expect.stringMatching(/^LARDER_SCHEDULE_FULL: schedule "0 2 31 2 \*" never fires/),
      'LARDER_OBJECTIVE_RPO: expected a duration such as 90s, 30m, 24h, 30d or 12w, found "soon"',
      'BACKUP_COMPRESSION: expected none, or a zstd level from 1 to 19 as 3 or zstd:3, found "gzip"',
      'LARDER_HTTP_PORT: expected a whole number from 1 to 65535, found "99999"',
      expect.stringMatching(
        /^DATABASE_URL: unknown connection parameter "sslmod" \(did you mean "sslmode"\?\)/,
      ),
    ]);
  });
});

describe('compression', () => {
  test.each([
    ['none', 0],
    ['1', 1],
    ['19', 19],
    ['zstd:7', 7],
  ])('%s is level %i', async (text, level) => {
    const config = await load({ DATABASE_URL: url, BACKUP_COMPRESSION: text });
    expect(config.clusters[0]?.compressionLevel).toBe(level);
  });

  test.each(['0', '20', 'zstd', 'zstd:0', 'lz4'])('%s is refused', async (text) => {
    expect((await failure({ DATABASE_URL: url, BACKUP_COMPRESSION: text })).code).toBe('CONFIG_INVALID');
  });
});

describe('a file', () => {
  test('is overlaid by the environment', async () => {
    await yaml(`
clusters:
  lorry:
    connection: ${url}
    password-file: /nowhere
    repository: { path: /srv/lorry }
http: { port: 1000 }
`);
    const config = await load({
      BACKUP_DIR: '/srv/other',
      DATABASE_PASSWORD: 'plain',
      LARDER_HTTP_HOST: '::1',
    });
    expect(config.clusters[0]).toMatchObject({ name: 'lorry', repositoryPath: '/srv/other' });
    expect(await config.clusters[0]!.connection.password(login)).toBe('plain');
    expect(config.http).toEqual({ host: '::1', port: 1000, tokens: [] });
  });

  test('may leave the cluster to the environment', async () => {
    await yaml('http: { port: 1000 }\n');
    expect(await load({ DATABASE_URL: url })).toMatchObject({
      clusters: [{ name: 'truck' }],
      http: { port: 1000 },
    });
  });

  test('is found through LARDER_CONFIG, and must then exist', async () => {
    await write('mine.yaml', `clusters: { a: { connection: ${url} } }`);
    expect((await load({ LARDER_CONFIG: 'mine.yaml' })).clusters[0]?.name).toBe('a');
    const error = await failure({ LARDER_CONFIG: 'gone.yaml', DATABASE_URL: url });
    expect(error.message).toContain('LARDER_CONFIG: gone.yaml cannot be read (ENOENT)');
  });

  test('with unknown keys, at any level, is refused with the nearest known one', async () => {
    await yaml(`
clusters:
  truck:
    conection: x
    connection: ${url}
    objectives: { rpoo: 1h }
htttp: { port: 1 }
http: { prot: 1, zebra: 2 }
`);
    const { message } = await failure({});
    expect(message).toContain('clusters.truck.conection: unknown key (did you mean "connection"?)');
    expect(message).toContain('clusters.truck.objectives.rpoo: unknown key (did you mean "rpo"?)');
    expect(message).toContain('htttp: unknown key (did you mean "http"?)');
    expect(message).toContain('http.prot: unknown key (did you mean "port"?)');
    expect(message).toMatch(/http\.zebra: unknown key$/m);
  });

  test.each([
    ['clusters: 5', 'clusters: expected nested keys'],
    ['http: yes', 'http: expected nested keys'],
    ['clusters: { "a b": { connection: "user=u" } }', "clusters.a b: a cluster's name has letters"],
    ['clusters: { a: {} }', 'clusters.a.connection: missing'],
    [
      'clusters: { a: { connection: "user=u", schedules: { full: "" } } }',
      'clusters.a.schedules.full: must not be empty',
    ],
    [
      'clusters: { a: { connection: "user=u", repository: { path: "ftp://x" } } }',
      'expected the path of a directory',
    ],
    ['clusters: { a: { connection: "user=u", retention: { floor: 0 } } }', 'from 1 to 1000'],
    ['clusters: { a: { connection: "user=u", retention: { days: 0 } } }', 'from 1 to 36500'],
    ['clusters: { a: { connection: "user=u", retention: { transaction-log: 7s } } }', 'at least 1h'],
    ['clusters: { a: { connection: "user=u", retention: { timezone: Mars } } }', 'the name of a time zone'],
    ['clusters: { a: { connection: "user=u", retention: { day: 7 } } }', 'did you mean "days"?'],
    ['- 1', 'holds no keys'],
  ])('%s is refused', async (text, expected) => {
    await yaml(text);
    const error = await failure({});
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toContain(expected);
  });

  test.each([
    'copies: [ { path: /x } ]',
    'encryption: { passphrase-file: /x }',
    'repository: { path: "s3://bucket/prefix" }',
  ])('that asks for what is not built (%s) is refused as that', async (text) => {
    await yaml(`clusters: { a: { connection: "user=u", ${text} } }`);
    expect((await failure({})).code).toBe('NOT_BUILT_YET');
  });

  test('may hold empty keys of what is not built', async () => {
    await yaml(
      'clusters: { a: { connection: "user=u", copies: [], schedules: { incremental: , drill: } } }\nhttp:\n',
    );
    expect((await load({})).http.port).toBe(9847);
  });
});
