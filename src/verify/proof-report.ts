import type { ErrorCode } from '../errors.ts';
import type { Finding } from './report.ts';

/**
 * What PostgreSQL made of a restored backup. `verified`: everything passed. `verified_with_exceptions`: nothing failed, but
 * something could not be checked on this host (an extension whose library is not installed, another collation version).
 * `failed`: something is wrong with the backup. What could not be carried out at all (the store does not answer, no room,
 * no binaries) is none of these: it is an error of the run, and leaves no record.
 */
export type Verdict = 'verified' | 'verified_with_exceptions' | 'failed';

/** `excepted`: could not be looked at on this host, and `detail` says why; it never counts as passed. */
export type CheckResult = 'passed' | 'failed' | 'excepted';

/** One thing that was looked at. */
export interface Check {
  /** `stored_objects`, `recovery`, `schema`, `row_counts`, `indexes`, `heaps`, `page_checksums`, `server_log`, `user_check:<name>` … */
  readonly name: string;
  readonly result: CheckResult;
  /** In words, with counts: "42 indexes in 3 databases". */
  readonly detail: string;
  readonly findings: readonly Finding[];
  readonly seconds: number;
}

export interface Phase {
  /** `restore`, `start`, `replay`, `check` … in the order in which they ran. */
  readonly name: string;
  readonly seconds: number;
}

/** What a proof ran on. */
export interface ProofHost {
  readonly serverVersion: string;
  readonly libc: string | null;
  readonly icu: string | null;
  /**
   * How the copy's server was kept to itself, beside an account of its own: `namespaces` without network and with
   * everything but its own directory read-only, `network` without network, `account` neither.
   */
  readonly confinement: 'namespaces' | 'network' | 'account';
}

/** A backup restored by the normal way, started, and looked at. */
export interface ProofReport {
  readonly backup: string;
  readonly level: 'restore' | 'full';
  readonly verdict: Verdict;
  /** ISO 8601, UTC. */
  readonly began: string;
  readonly seconds: number;
  readonly phases: readonly Phase[];
  readonly checks: readonly Check[];
  /** Where recovery ended: an LSN and, where a commit was replayed, its time (ISO 8601, UTC); null where no server came up. */
  readonly reached: { readonly lsn: string; readonly lastCommit: string | null } | null;
  readonly host: ProofHost;
  readonly larderVersion: string;
}

/** A proof from the repository alone, to a target, timed against the objectives. */
export interface DrillReport extends ProofReport {
  /** `database_corruption`, `accidental_deletion`, `ransomware`, `host_loss`, `repository_loss`; `routine` without one. */
  readonly scenario: string;
  /** Which repository it read: its configured name or location, without secrets. */
  readonly repository: string;
  /** What was asked for, in words: "the newest point", "2026-11-26T10:00:00Z". */
  readonly target: string;
  /** What a reader should know of how the backup was chosen, in words. */
  readonly remarks: readonly string[];
  /** Damaged backups that would have been the better ones, in the order in which they were tried; what was wrong with each. */
  readonly passedOver: readonly PassedOver[];
  /** From the first step until the copy answered queries at the target; null where none ever did. */
  readonly recoverySeconds: number | null;
  /** Everything that was committed up to this time is in the copy; ISO 8601, null where nobody can tell. */
  readonly recoveredTo: string | null;
  /**
   * Between that and what was wanted: the begin of the drill, for the newest point, or the target. What would have been lost
   * though it was wanted; null where nobody can tell.
   */
  readonly lostSeconds: number | null;
  readonly objectives: { readonly rpoSeconds: number; readonly rtoSeconds: number };
  /** Whether both measured values met the objectives and nothing failed. */
  readonly met: boolean;
  /** What the configured application check printed, bounded; null without one. */
  readonly applicationOutput: string | null;
}

/** A backup that a drill could not recover from. */
export interface PassedOver {
  readonly backup: string;
  readonly code: ErrorCode;
  readonly message: string;
}
