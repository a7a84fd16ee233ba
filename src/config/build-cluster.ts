import { resolve } from 'node:path';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import { parseConnection } from '../postgres/parse-connection.ts';
import type { RetentionPolicy } from '../retention/policy.ts';
import { buildDrill } from './build-drill.ts';
import type { ClusterConfig, SchedulesConfig, TransactionLogConfig, VerifyConfig } from './config.ts';
import { readSecretFile } from './read-file.ts';
import type { ReadFile } from './read-file.ts';
import type { ParsedCluster } from './schema.ts';
import type { Tree } from './settings-tree.ts';

interface ClusterSource {
  readonly environment: NodeJS.ProcessEnv;
  readonly workingDirectory: string;
  readonly readFile: ReadFile;
}

/** The connection of a cluster as it is written; `undefined` when there is no text to read. Throws as `parseConnection`. */
export function readConnection(
  cluster: Tree,
  environment: NodeJS.ProcessEnv,
): ConnectionSettings | undefined {
  const { connection } = cluster as { connection?: unknown };
  return typeof connection === 'string' && connection !== ''
    ? parseConnection(connection, environment)
    : undefined;
}

/** The cluster's configuration, its parts already checked. */
export function buildCluster(
  name: string,
  parsed: ParsedCluster,
  connection: ConnectionSettings,
  source: ClusterSource,
): ClusterConfig {
  return {
    name,
    connection: { ...connection, password: passwordSource(parsed, connection, source) },
    repositoryPath: resolve(source.workingDirectory, parsed.repository.path),
    schedules: buildSchedules(parsed.schedules),
    retention: buildRetention(parsed.retention),
    objectives: parsed.objectives,
    compressionLevel: parsed.backup.compression,
    workers: parsed.backup.workers,
    backupTimeout: parsed.backup.timeout,
    stallTimeout: parsed.backup.stall,
    verifyTimeout: parsed.verify.timeout,
    verify: buildVerify(parsed.verify, source),
    drill: buildDrill(parsed.drill, connection, source.workingDirectory),
    maxChain: parsed.backup['max-chain'],
    transactionLog: buildTransactionLog(parsed['transaction-log']),
  };
}

function buildSchedules(parsed: ParsedCluster['schedules']): SchedulesConfig {
  return {
    full: parsed.full,
    incremental: parsed.incremental,
    transactionLog: parsed['transaction-log'],
    verifyAfterBackup: parsed.verify === 'after-backup',
    retention: parsed.retention,
    restoreTest: parsed['restore-test'],
    drill: parsed.drill,
    secondSiteTest: parsed['second-site-test'],
    catchUp: parsed['catch-up'],
    catchUpWindow: parsed['catch-up-window'],
    blackouts: parsed.blackout,
  };
}

function buildVerify(
  { level, sessions, checks, ...parsed }: ParsedCluster['verify'],
  { environment, workingDirectory }: ClusterSource,
): VerifyConfig {
  const directory = parsed['scratch-directory'];
  const searchPath = environment['PATH'];
  return {
    level,
    sessions,
    keepScratch: parsed.scratch === 'keep',
    scratchDirectory: directory === 'auto' ? undefined : resolve(workingDirectory, directory),
    binaries: {
      ...(parsed.binaries === 'auto' ? {} : { directory: resolve(workingDirectory, parsed.binaries) }),
      ...(searchPath === undefined ? {} : { searchPath }),
    },
    checks: Object.entries(checks).map(([name, check]) => ({ name, ...check })),
  };
}

function buildTransactionLog(parsed: ParsedCluster['transaction-log']): TransactionLogConfig {
  return {
    receive: parsed.receive === 'on',
    ack: parsed.ack,
    tailInterval: parsed['tail-interval'],
    protect: parsed.protect,
    maxRetained: parsed['max-retained'],
    spoolLimit: parsed['spool-limit'],
    sealTimeout: parsed['seal-timeout'],
  };
}

function buildRetention({
  'transaction-log': transactionLog,
  ...rest
}: ParsedCluster['retention']): RetentionPolicy {
  return { ...rest, transactionLog };
}

/** A file is read at each login, so that a new password in it counts without a restart. */
function passwordSource(
  parsed: ParsedCluster,
  connection: ConnectionSettings,
  source: ClusterSource,
): ConnectionSettings['password'] {
  const { password, 'password-file': file } = parsed;
  if (file) {
    const path = resolve(source.workingDirectory, file);
    return async () => (await readSecretFile(path, source.readFile)).reveal();
  }
  if (password) return () => Promise.resolve(password.reveal());
  return connection.password;
}
