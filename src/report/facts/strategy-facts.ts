import type { Catalogue } from '../../repository/catalogue.ts';
import type { RetentionPolicy } from '../../retention/policy.ts';
import type { RetentionState } from '../../retention/read-facts.ts';
import type { Capacity } from '../../storage/object-store.ts';
import type { ArchiveState } from '../../verify/archive-state.ts';
import type { ProofReport, DrillReport } from '../../verify/proof-report.ts';

/** Something that was read, or why it could not be: what is unknown is neither absent nor fine. */
export type Known<T> = { readonly value: T } | { readonly unknown: string };

/** Why everything is unknown that only a configuration or a state directory tells. */
export const WITHOUT_CONFIGURATION = 'there is no configuration';

/** What a strategy report is made of. Times are ms since 1970 UTC, durations ms. */
export interface StrategyFacts {
  readonly now: number;
  readonly larderVersion: string;
  /** The configured name; undefined where no configuration says one. */
  readonly cluster: string | undefined;
  /** For messages. */
  readonly repository: string;
  /** How far back failures, worst values and growth are looked at. */
  readonly period: number;
  /** undefined: there is no configuration, so nobody says what is wanted. */
  readonly wanted: WantedFacts | undefined;
  /** Whether the repository's own record could be read. */
  readonly record: Known<true>;
  readonly catalogue: Known<Catalogue>;
  readonly log: Known<ArchiveState>;
  readonly retention: Known<RetentionState>;
  readonly stored: Known<StoredFacts>;
  /** The inner undefined: the store has no limit that it knows of. */
  readonly capacity: Known<Capacity | undefined>;
  /** Of this host. The inner undefined: none runs here. */
  readonly receiver: Known<ReceiverFact | undefined>;
  /** In the order in which they were asked for. */
  readonly runs: Known<readonly RunFact[]>;
  readonly proofs: Known<ProofFacts>;
  readonly evidence: Known<ProofFacts>;
}

/** What the configuration says. */
export interface WantedFacts {
  readonly rpo: number;
  readonly rto: number;
  /** The part of the repository's file system that may be full, 0 to 1. */
  readonly storage: number;
  readonly policy: RetentionPolicy;
  readonly receives: boolean;
  readonly price: PriceFact | undefined;
  readonly schedules: Known<readonly ScheduleFact[]>;
}

export interface PriceFact {
  readonly amount: number;
  readonly currency: string;
}

export interface ScheduleFact {
  readonly task: string;
  /** `0 2 * * 0`, with its zone; in words where it is no pattern. */
  readonly when: string;
  /** undefined where another task decides. */
  readonly next: number | undefined;
}

/** What the receiver says of itself. */
export interface ReceiverFact {
  readonly state: string;
  readonly problem: string | undefined;
  readonly updated: number;
  /** undefined: everything that the server has written is safe. */
  readonly unprotectedSince: number | undefined;
}

/** A run of a task, as far as a report shows it. */
export interface RunFact {
  readonly task: string;
  readonly started: number;
  readonly ended?: number;
  readonly result?: string;
  readonly errorCode?: string;
  readonly errorMessage?: string;
  readonly hint?: string;
  readonly backupId?: string;
  readonly durationSeconds?: number;
  readonly warnings?: readonly string[];
}

/** Sizes by the listing: what is really there, bytes. */
export interface StoredFacts {
  readonly full: number;
  readonly incremental: number;
  readonly log: number;
  /** Of directories without a commit record: a backup that runs, or one that died. */
  readonly unfinished: number;
  /** Leases, holds, marks. */
  readonly other: number;
  /** Bytes of the log by the UTC day (`2026-11-26`) they were stored on, of what is still there. */
  readonly logByDay: ReadonlyMap<string, number>;
}

export interface ProofFact {
  readonly cluster: string | undefined;
  readonly report: ProofReport | DrillReport;
}

export interface ProofFacts {
  readonly proofs: readonly ProofFact[];
  readonly unreadable: readonly { readonly name: string; readonly problem: string }[];
}
