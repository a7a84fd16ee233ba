import * as z from 'zod';
import { LarderError } from '../errors.ts';
import { isClusterName } from '../repository/layout.ts';
import { parseBlackouts } from '../scheduler/blackout.ts';
import { Schedule } from '../scheduler/schedule.ts';
import { leaf, notBuiltYet } from './leaf.ts';
import { Secret } from './secret.ts';
import { parseDuration, parseInteger, parsePercent, parsePrice, parseSize } from './units.ts';

/** What a cluster has when nothing else is said. Kinds of jobs that are not built yet have no schedule. */
export const CLUSTER_DEFAULTS = {
  repository: { path: './backups' },
  schedules: {
    full: '0 2 * * 0',
    incremental: '0 2 * * *',
    'transaction-log': '0 */6 * * *',
    verify: 'after-backup',
    retention: '0 5 * * *',
    'restore-test': '0 4 * * 6',
    drill: '0 4 1 * *',
    'second-site-test': '0 4 1 */3 *',
    'catch-up': 'latest',
    'catch-up-window': { full: '24h', incremental: '6h' },
    blackout: 'none',
  },
  retention: {
    days: 30,
    weeks: 12,
    months: 12,
    years: 7,
    'transaction-log': '7d',
    floor: 2,
    grace: '24h',
    timezone: 'UTC',
  },
  objectives: { rpo: '24h', rto: '4h', storage: '80%' },
  backup: { compression: 1, workers: 2, timeout: '24h', stall: '15m', 'max-chain': 14 },
  verify: {
    level: 'restore',
    timeout: '24h',
    scratch: 'remove',
    'scratch-directory': 'auto',
    binaries: 'auto',
    sessions: 2,
    checks: {},
  },
  drill: { target: 'newest', timeout: '24h' },
  'transaction-log': {
    receive: 'on',
    ack: 'spool',
    'tail-interval': '30s',
    protect: 'primary',
    'max-retained': '32GB',
    'spool-limit': '8GB',
    'seal-timeout': '10m',
  },
} as const;

export const DEFAULTS = {
  http: { host: '127.0.0.1', port: 9847 },
  state: './larder-state',
  report: { results: './docs/backup-test-results.md', 'price-per-gb-month': 'none' },
  log: { level: 'info' },
  'parallel-backups': 1,
} as const;

/** Shorter, and the repository would fill with objects of a few bytes. */
const SHORTEST_TAIL_INTERVAL = 100;

/** A slip of the pen must not throw the log away: 1 hour, milliseconds. */
const SHORTEST_LOG_WINDOW = 3_600_000;

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

const text = leaf((given) => {
  if (given === '') throw new LarderError('CONFIG_INVALID', 'must not be empty');
  return given;
});

const directory = leaf((given) => {
  const scheme = /^([a-z0-9]+):\/\//i.exec(given)?.[1];
  if (scheme === undefined && given !== '') return given;
  if (scheme !== undefined && ['s3', 'azblob', 'gs'].includes(scheme)) {
    throw new LarderError('NOT_BUILT_YET', `repositories at ${scheme}:// are not built yet`);
  }
  throw new LarderError('CONFIG_INVALID', 'expected the path of a directory');
});

/** `zstd:3`, `3` or `none`, as a zstd level from 1 to 19; 0 stores everything as it is. */
const compression = leaf((given) => {
  if (given === 'none') return 0;
  const level = Number(/^(?:zstd:)?(\d{1,2})$/.exec(given)?.[1] ?? 0);
  if (level >= 1 && level <= 19) return level;
  throw new LarderError(
    'CONFIG_INVALID',
    `expected none, or a zstd level from 1 to 19 as 3 or zstd:3, found "${given}"`,
  );
});

function oneOf<const T extends string>(...words: readonly T[]): z.ZodType<T> {
  return leaf((given) => {
    const word = words.find((known) => known === given);
    if (word !== undefined) return word;
    throw new LarderError('CONFIG_INVALID', `expected one of ${words.join(', ')}, found "${given}"`);
  });
}

const logLevel = oneOf(...LOG_LEVELS);

/** A cron pattern, with a zone behind it where it is not UTC, or `none`. */
const schedule = leaf((given) => {
  if (given === '') throw new LarderError('CONFIG_INVALID', 'must not be empty; "none" switches it off');
  return given === 'none' ? undefined : Schedule.parse(given);
});

/** Several are written as one text with commas between them. */
const blackout = leaf((given) => (given === 'none' || given === '' ? [] : parseBlackouts(given)));

/** YAML's own words for yes and no count as well. */
const onOrOff = z.preprocess(
  (given) => (typeof given === 'boolean' ? (given ? 'on' : 'off') : given),
  oneOf('on', 'off'),
);

const tailInterval = leaf((given) => {
  const milliseconds = parseDuration(given);
  if (milliseconds >= SHORTEST_TAIL_INTERVAL) return milliseconds;
  throw new LarderError('CONFIG_INVALID', `expected at least ${SHORTEST_TAIL_INTERVAL}ms, found "${given}"`);
});

const logWindow = leaf((given) => {
  const milliseconds = parseDuration(given);
  if (milliseconds >= SHORTEST_LOG_WINDOW) return milliseconds;
  throw new LarderError('CONFIG_INVALID', `expected at least 1h, found "${given}"`);
});

const timezone = leaf((given) => {
  // the first zone that a process asks for costs it 40 ms
  if (given === 'UTC') return given;
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: given }).resolvedOptions().timeZone;
  } catch {
    throw new LarderError(
      'CONFIG_INVALID',
      `expected the name of a time zone, as UTC or Europe/Berlin, found "${given}"`,
    );
  }
});

const secret = z
  .custom<string>((given) => typeof given === 'string' && given !== '', { error: 'missing, or not text' })
  .transform((given) => new Secret(given));

/** `none`, or the path of a file. */
const fileOrNone = leaf((given) => {
  if (given === '') throw new LarderError('CONFIG_INVALID', 'must not be empty; "none" switches it off');
  return given === 'none' ? undefined : given;
});

const price = leaf((given) => (given === 'none' ? undefined : parsePrice(given)));

function integer(least: number, most: number): z.ZodType<number> {
  return leaf((given) => parseInteger(given, least, most));
}

const clusterName = z.string().refine(isClusterName, {
  error:
    'a cluster\'s name has letters, digits, "-" and "_", begins with a letter or digit, and is no longer than 63',
});

/** A question to every restored copy. */
const userCheck = z.strictObject({
  database: text,
  sql: text,
  expect: leaf((given) => given).default('t'),
  timeout: leaf(parseDuration).default(60_000),
});

/** One way of looking at a restored copy: a program with its arguments, or a file of SQL. */
const application = z
  .strictObject({
    command: z.array(z.string().min(1)).min(1).nullish(),
    script: text.nullish(),
    database: text.nullish(),
    timeout: leaf(parseDuration).nullish(),
  })
  .refine(
    ({ command, script }) =>
      (command === undefined || command === null) !== (script === undefined || script === null),
    {
      error: 'expected either command or script',
    },
  );

const cluster = z.strictObject({
  connection: secret,
  password: secret.nullish(),
  'password-file': text.nullish(),
  repository: z.strictObject({ path: directory }),
  copies: notBuiltYet('second repositories are').optional(),
  encryption: notBuiltYet('encryption is').optional(),
  schedules: z.strictObject({
    full: schedule,
    incremental: schedule,
    'transaction-log': schedule,
    verify: oneOf('after-backup', 'none'),
    retention: schedule,
    'restore-test': schedule,
    drill: schedule,
    'second-site-test': schedule,
    'catch-up': oneOf('latest', 'none'),
    'catch-up-window': z.strictObject({ full: leaf(parseDuration), incremental: leaf(parseDuration) }),
    blackout,
  }),
  retention: z.strictObject({
    days: integer(1, 36_500),
    weeks: integer(0, 5_000),
    months: integer(0, 1_200),
    years: integer(0, 100),
    'transaction-log': logWindow,
    floor: integer(1, 1_000),
    grace: leaf(parseDuration),
    timezone,
  }),
  objectives: z.strictObject({
    rpo: leaf(parseDuration),
    rto: leaf(parseDuration),
    storage: leaf(parsePercent),
  }),
  backup: z.strictObject({
    compression,
    workers: integer(1, 64),
    timeout: leaf(parseDuration),
    stall: leaf(parseDuration),
    'max-chain': integer(0, 365),
  }),
  verify: z.strictObject({
    level: oneOf('objects', 'restore', 'full'),
    timeout: leaf(parseDuration),
    scratch: oneOf('remove', 'keep'),
    'scratch-directory': text,
    binaries: text,
    sessions: integer(1, 64),
    checks: z.record(clusterName, userCheck),
  }),
  drill: z.strictObject({
    target: oneOf('newest', 'random'),
    timeout: leaf(parseDuration),
    'second-site': directory.nullish(),
    application: application.nullish(),
  }),
  'transaction-log': z.strictObject({
    receive: onOrOff,
    ack: oneOf('spool', 'repository'),
    'tail-interval': tailInterval,
    protect: oneOf('primary', 'history'),
    'max-retained': leaf(parseSize),
    'spool-limit': leaf(parseSize),
    'seal-timeout': leaf(parseDuration),
  }),
});

const token = z.strictObject({
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, { error: 'the hash that "larder token" printed: 64 hexadecimal digits' }),
  scopes: z.array(z.enum(['read', 'operate'])).min(1),
});

/** The configuration file with every default filled in. Keys it does not know are errors, at every level. */
export const configSchema = z.strictObject({
  clusters: z.record(clusterName, cluster),
  http: z.strictObject({
    host: text,
    port: integer(1, 65_535),
    tokens: z.record(clusterName, token).optional(),
  }),
  state: text,
  report: z.strictObject({
    results: fileOrNone,
    directory: text.nullish(),
    'price-per-gb-month': price,
  }),
  log: z.strictObject({ level: logLevel }),
  'parallel-backups': integer(1, 64),
});

export type ParsedConfig = z.infer<typeof configSchema>;
export type ParsedCluster = z.infer<typeof cluster>;
export type LogLevel = (typeof LOG_LEVELS)[number];
