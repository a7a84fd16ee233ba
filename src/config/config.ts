import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import type { BinariesSearch } from '../postgres/server/find-binaries.ts';
import type { RetentionPolicy } from '../retention/policy.ts';
import type { Blackout } from '../scheduler/blackout.ts';
import type { Schedule } from '../scheduler/schedule.ts';
import type { UserCheck } from '../verify/proof/checks/user-check.ts';
import type { LogLevel } from './schema.ts';
import type { Setting } from './settings-tree.ts';
import type { Price } from './units.ts';

/** The effective configuration. Directories are absolute, durations in milliseconds; it holds no secret. */
export interface Config {
  /** At least one; each has its own repository. */
  readonly clusters: readonly ClusterConfig[];
  readonly http: HttpConfig;
  readonly stateDirectory: string;
  readonly report: ReportConfig;
  /** How many clusters may be backed up at the same time. */
  readonly parallelBackups: number;
  readonly logLevel: LogLevel;
  /** Every value as it was written, secrets masked, and where it came from: for `printConfig`. */
  readonly settings: readonly Setting[];
}

export interface ReportConfig {
  /** The Markdown file that gets an entry for each restore test and drill; undefined: none is kept. */
  readonly results: string | undefined;
  /** Where the JSON files of restore tests and drills lie. */
  readonly directory: string;
  /** What a gigabyte (10^9 bytes) costs in a month. */
  readonly pricePerGbMonth: Price | undefined;
}

export interface HttpConfig {
  readonly host: string;
  readonly port: number;
  /** Hashes of the tokens that the API takes; without any, it takes no command. */
  readonly tokens: readonly {
    readonly name: string;
    readonly sha256: string;
    readonly scopes: readonly ('read' | 'operate')[];
  }[];
}

export interface ClusterConfig {
  /** Used in backup ids, metric labels and messages. */
  readonly name: string;
  readonly connection: ConnectionSettings;
  readonly repositoryPath: string;
  readonly schedules: SchedulesConfig;
  readonly retention: RetentionPolicy;
  readonly objectives: Objectives;
  /** zstd level, 1 to 19; 0 stores everything as it is. */
  readonly compressionLevel: number;
  /** Threads that compress. */
  readonly workers: number;
  /** Incremental backups that may build on one full backup. */
  readonly maxChain: number;
  /** Milliseconds after which a backup is given up. */
  readonly backupTimeout: number;
  /** Milliseconds without progress after which an attempt is given up. */
  readonly stallTimeout: number;
  /** Milliseconds after which a verification is given up. */
  readonly verifyTimeout: number;
  readonly verify: VerifyConfig;
  readonly drill: DrillConfig;
  readonly transactionLog: TransactionLogConfig;
}

/** How far a verification goes, and where. */
export interface VerifyConfig {
  /** `objects`: what is stored; `restore`: by a real restore; `full`: every value is read too. */
  readonly level: 'objects' | 'restore' | 'full';
  /** Absolute; undefined for a place below the state directory, or the machine's own for temporary files. */
  readonly scratchDirectory: string | undefined;
  /** Whether the last copy is kept and brought to the next backup. */
  readonly keepScratch: boolean;
  /** Where the server's programs are looked for. */
  readonly binaries: BinariesSearch;
  /** Sessions of the copy that look at its relations side by side. */
  readonly sessions: number;
  readonly checks: readonly UserCheck[];
}

/** When what is done. Without a schedule a task is not started by itself. */
export interface SchedulesConfig {
  readonly full: Schedule | undefined;
  readonly incremental: Schedule | undefined;
  /** Of seals. */
  readonly transactionLog: Schedule | undefined;
  readonly verifyAfterBackup: boolean;
  /** When what the policy does not keep is marked and removed. */
  readonly retention: Schedule | undefined;
  /** When the newest chain is restored and read whole. */
  readonly restoreTest: Schedule | undefined;
  /** When it is tried how long a recovery takes, and how much is lost. */
  readonly drill: Schedule | undefined;
  /** The same from the second site; it counts where there is one. */
  readonly secondSiteTest: Schedule | undefined;
  /** What becomes of slots that were missed: one run for all of them, or none. */
  readonly catchUp: 'latest' | 'none';
  /** Milliseconds after a missed slot within which it is still run. */
  readonly catchUpWindow: { readonly full: number; readonly incremental: number };
  /** When nothing heavy is started. */
  readonly blackouts: readonly Blackout[];
}

/** How drills are held. */
export interface DrillConfig {
  readonly target: 'newest' | 'random';
  /** Milliseconds after which a drill is given up. */
  readonly timeout: number;
  /** Where the repository of the second site lies, absolute. */
  readonly secondSite: string | undefined;
  /** What is run against the copy to see whether the application could work on it. */
  readonly application: ApplicationConfig | undefined;
}

export interface ApplicationConfig {
  /** A program with its arguments, or the absolute path of a file of SQL. */
  readonly run:
    | { readonly kind: 'command'; readonly argv: readonly string[] }
    | { readonly kind: 'script'; readonly path: string };
  readonly database: string;
  /** Milliseconds. */
  readonly limit: number;
}

/** How WAL is received. */
export interface TransactionLogConfig {
  /** Whether the service receives it all the time. */
  readonly receive: boolean;
  /** When the server is told that WAL is safe: on the local disk, or in the repository. */
  readonly ack: 'spool' | 'repository';
  /** Milliseconds between two tails of the unfinished segment. */
  readonly tailInterval: number;
  /** What gives way when the server keeps more than `maxRetained` for us. */
  readonly protect: 'primary' | 'history';
  /** Bytes. */
  readonly maxRetained: number;
  /** Bytes of the local disk. */
  readonly spoolLimit: number;
  /** Milliseconds within which a seal must have come about. */
  readonly sealTimeout: number;
}

/** What the owner wants kept; measured values stand beside it in the metrics. */
export interface Objectives {
  /** Milliseconds of data that may be lost. */
  readonly rpo: number;
  /** Milliseconds that a restore may take. */
  readonly rto: number;
  /** The part of the repository's file system that may be full, 0 to 1. */
  readonly storage: number;
}
