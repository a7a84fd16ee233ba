import type { Clock } from '../clock.ts';
import type { ObjectStore, StoreLocation } from '../storage/object-store.ts';
import type { BinariesSearch } from '../postgres/server/find-binaries.ts';
import type { UserCheck } from '../verify/proof/checks/user-check.ts';
import type { ApplicationCheck } from './application-check.ts';
import type { DrillTarget } from './drill-target.ts';
import type { Scenario } from './scenario.ts';

/** What a drill is held with: as on a fresh host, there is no server to protect among it, and no state directory. */
export interface DrillRequest {
  readonly store: ObjectStore;
  /** The same store, for worker threads. */
  readonly location: StoreLocation;
  /** What people call it: its configured name, or where it lies. */
  readonly repository: string;
  readonly workers: number;
  readonly scenario: Scenario;
  readonly target: DrillTarget;
  /** Absolute directories below which the copy may be made; the first that its server's account can reach is taken. */
  readonly scratch: readonly string[];
  readonly objectives: { readonly rpoSeconds: number; readonly rtoSeconds: number };
  readonly application: ApplicationCheck | undefined;
  /** As for a verification: what the copy is checked with, and databases looked at side by side. */
  readonly userChecks: readonly UserCheck[];
  readonly concurrency: number;
  readonly binaries: BinariesSearch;
  readonly larderVersion: string;
}

export interface DrillProgress {
  readonly phase: string;
  readonly doneBytes: number;
  readonly totalBytes?: number;
}

export interface DrillContext {
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: DrillProgress) => void;
}
