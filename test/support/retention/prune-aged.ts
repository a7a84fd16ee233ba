import { systemClock, type Clock } from '../../../src/clock.ts';
import { readProcessIdentity } from '../../../src/process-identity.ts';
import { prune, type PruneRequest, type PruneResult } from '../../../src/retention/prune.ts';
import { DEFAULT_POLICY, type RetentionPolicy } from '../../../src/retention/policy.ts';
import type { TestRepository } from '../backup-runner.ts';

/** When all but the first of a month and the newest chain is to go. */
export const PRUNED_ON = '2100-03-10';
const AGED_POLICY: RetentionPolicy = {
  ...DEFAULT_POLICY,
  days: 10,
  weeks: 0,
  years: 0,
  floor: 1,
  grace: 0,
};

/** A clock that stands at a time now, and goes. */
export function clockAt(time: string): Clock {
  const ahead = Date.parse(time) - systemClock.now();
  return { ...systemClock, now: () => systemClock.now() + ahead };
}

export interface PruneChanges {
  /** A day, at noon, or a time. */
  readonly on?: string;
  readonly policy?: Partial<RetentionPolicy>;
  readonly request?: Partial<PruneRequest>;
  readonly onProgress?: Parameters<typeof prune>[1]['onProgress'];
}

/** Prunes with a clock that the server agrees with. */
export function pruneAged(
  repository: TestRepository,
  { on = PRUNED_ON, policy = {}, request = {}, onProgress = () => undefined }: PruneChanges = {},
): Promise<PruneResult> {
  return prune(
    {
      ...repository,
      policy: { ...AGED_POLICY, ...policy },
      leaseWait: 0,
      clockSkew: () => Promise.resolve(0),
      backupFailure: () => Promise.resolve(undefined),
      ...request,
    },
    {
      // each call begins with a clock of its own: two at one time would see each other's marks in the future
      clock: clockAt(on.includes('T') ? on : `${on}T12:00:00Z`),
      processIdentity: readProcessIdentity(),
      signal: new AbortController().signal,
      onProgress,
    },
  );
}
