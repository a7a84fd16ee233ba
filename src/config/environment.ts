import { didYouMean } from '../nearest-key.ts';

/** A place in the configuration: the keys that lead to it. */
export type KeyPath = readonly string[];

export interface Variable {
  readonly name: string;
  /** Below the cluster when `ofCluster`, else from the top. */
  readonly path: KeyPath;
  readonly ofCluster: boolean;
}

const CLUSTER_VARIABLES: Readonly<Record<string, KeyPath>> = {
  DATABASE_URL: ['connection'],
  DATABASE_URL_FILE: ['connection'],
  DATABASE_PASSWORD: ['password'],
  DATABASE_PASSWORD_FILE: ['password-file'],
  BACKUP_DIR: ['repository', 'path'],
  BACKUP_RETENTION_DAYS: ['retention', 'days'],
  LARDER_RETENTION_WEEKS: ['retention', 'weeks'],
  LARDER_RETENTION_MONTHS: ['retention', 'months'],
  LARDER_RETENTION_YEARS: ['retention', 'years'],
  LARDER_RETENTION_TRANSACTION_LOG: ['retention', 'transaction-log'],
  LARDER_RETENTION_FLOOR: ['retention', 'floor'],
  LARDER_RETENTION_GRACE: ['retention', 'grace'],
  LARDER_RETENTION_TIMEZONE: ['retention', 'timezone'],
  BACKUP_COMPRESSION: ['backup', 'compression'],
  LARDER_BACKUP_WORKERS: ['backup', 'workers'],
  LARDER_BACKUP_MAX_CHAIN: ['backup', 'max-chain'],
  LARDER_BACKUP_TIMEOUT: ['backup', 'timeout'],
  LARDER_BACKUP_STALL: ['backup', 'stall'],
  LARDER_VERIFY_LEVEL: ['verify', 'level'],
  LARDER_VERIFY_TIMEOUT: ['verify', 'timeout'],
  LARDER_VERIFY_SCRATCH: ['verify', 'scratch'],
  LARDER_VERIFY_SCRATCH_DIRECTORY: ['verify', 'scratch-directory'],
  LARDER_VERIFY_BINARIES: ['verify', 'binaries'],
  LARDER_VERIFY_SESSIONS: ['verify', 'sessions'],
  LARDER_DRILL_TARGET: ['drill', 'target'],
  LARDER_DRILL_TIMEOUT: ['drill', 'timeout'],
  LARDER_DRILL_SECOND_SITE: ['drill', 'second-site'],
  LARDER_SCHEDULE_FULL: ['schedules', 'full'],
  LARDER_SCHEDULE_INCREMENTAL: ['schedules', 'incremental'],
  LARDER_SCHEDULE_TRANSACTION_LOG: ['schedules', 'transaction-log'],
  LARDER_SCHEDULE_VERIFY: ['schedules', 'verify'],
  LARDER_SCHEDULE_RETENTION: ['schedules', 'retention'],
  LARDER_SCHEDULE_RESTORE_TEST: ['schedules', 'restore-test'],
  LARDER_SCHEDULE_DRILL: ['schedules', 'drill'],
  LARDER_SCHEDULE_SECOND_SITE_TEST: ['schedules', 'second-site-test'],
  LARDER_SCHEDULE_CATCH_UP: ['schedules', 'catch-up'],
  LARDER_SCHEDULE_CATCH_UP_WINDOW_FULL: ['schedules', 'catch-up-window', 'full'],
  LARDER_SCHEDULE_CATCH_UP_WINDOW_INCREMENTAL: ['schedules', 'catch-up-window', 'incremental'],
  LARDER_SCHEDULE_BLACKOUT: ['schedules', 'blackout'],
  LARDER_WAL_RECEIVE: ['transaction-log', 'receive'],
  LARDER_WAL_ACK: ['transaction-log', 'ack'],
  LARDER_WAL_TAIL_INTERVAL: ['transaction-log', 'tail-interval'],
  LARDER_WAL_PROTECT: ['transaction-log', 'protect'],
  LARDER_WAL_MAX_RETAINED: ['transaction-log', 'max-retained'],
  LARDER_WAL_SPOOL_LIMIT: ['transaction-log', 'spool-limit'],
  LARDER_WAL_SEAL_TIMEOUT: ['transaction-log', 'seal-timeout'],
  LARDER_OBJECTIVE_RPO: ['objectives', 'rpo'],
  LARDER_OBJECTIVE_RTO: ['objectives', 'rto'],
  LARDER_OBJECTIVE_STORAGE: ['objectives', 'storage'],
};

const SERVICE_VARIABLES: Readonly<Record<string, KeyPath>> = {
  LARDER_HTTP_HOST: ['http', 'host'],
  LARDER_HTTP_PORT: ['http', 'port'],
  LARDER_STATE_DIR: ['state'],
  LARDER_REPORT_RESULTS: ['report', 'results'],
  LARDER_REPORT_DIRECTORY: ['report', 'directory'],
  LARDER_REPORT_PRICE_PER_GB_MONTH: ['report', 'price-per-gb-month'],
  LARDER_LOG_LEVEL: ['log', 'level'],
  LARDER_PARALLEL_BACKUPS: ['parallel-backups'],
};

/** The variable that names the configuration file. */
export const FILE_VARIABLE = 'LARDER_CONFIG';

const ALL: readonly Variable[] = [
  ...Object.entries(CLUSTER_VARIABLES).map(([name, path]) => ({ name, path, ofCluster: true })),
  ...Object.entries(SERVICE_VARIABLES).map(([name, path]) => ({ name, path, ofCluster: false })),
];

/** The name of every variable with a meaning, LARDER_CONFIG among them. */
export const VARIABLE_NAMES: readonly string[] = [FILE_VARIABLE, ...ALL.map((variable) => variable.name)];

/** A variable with its value. */
export interface GivenVariable extends Variable {
  readonly value: string;
}

/** The variables that say something; an empty one says nothing, and `X_FILE` silences `X`. */
export function givenVariables(environment: NodeJS.ProcessEnv): readonly GivenVariable[] {
  return ALL.flatMap((variable) => {
    const value = environment[variable.name];
    if (!value || environment[`${variable.name}_FILE`]) return [];
    return [{ ...variable, value }];
  });
}

/**
 * A problem for each variable that begins with `LARDER_` and means nothing: a misspelt name would otherwise be a
 * setting that silently has no effect. `LARDER_TEST_…` belongs to the project's own tests, and Kubernetes and Docker
 * links add variables of their own when a service is called larder.
 */
export function unknownVariables(environment: NodeJS.ProcessEnv): readonly string[] {
  return Object.entries(environment)
    .filter(([name]) => name.startsWith('LARDER_') && !name.startsWith('LARDER_TEST_'))
    .filter(([name, value]) => !VARIABLE_NAMES.includes(name) && !isServiceLink(name, value ?? ''))
    .map(([name]) => name)
    .sort()
    .map((name) => `${name}: unknown environment variable${didYouMean(name, VARIABLE_NAMES)}`);
}

/** LARDER_SERVICE_HOST, LARDER_PORT=tcp://…, LARDER_PORT_9847_TCP_ADDR and the like. */
function isServiceLink(name: string, value: string): boolean {
  return /_SERVICE_(?:HOST|PORT)|_PORT_\d+_(?:TCP|UDP)/.test(name) || /^(?:tcp|udp):\/\//.test(value);
}
