import * as z from 'zod';

const time = z.iso.datetime();
const seconds = z.number();
const bytes = z.number();
const text = z.string();
const count = z.number();

const point = z.object({ time, lsn: text });

const backup = z.object({
  id: text,
  type: z.enum(['full', 'incremental']),
  started: time,
  seconds,
  sourceBytes: bytes,
  storedBytes: bytes,
  /** `good`: complete, and its chain is there. */
  state: z.enum(['good', 'damaged_source', 'chain_broken', 'quarantined']),
  /** `proven`: its newest restore test passed. */
  proof: z.enum(['proven', 'proven_with_exceptions', 'failed', 'none']),
  /** How far it can be rolled forward; null where nobody can tell. */
  until: point.nullable(),
});

const proof = z.object({
  time,
  /** `restore test`, `host loss drill`. */
  name: text,
  isDrill: z.boolean(),
  backup: text,
  verdict: z.enum(['verified', 'verified_with_exceptions', 'failed']),
  seconds,
  phases: z.array(z.object({ name: text, seconds })),
  checks: z.object({ passed: count, failed: count, excepted: count }),
  shortcomings: z.array(text),
  /** Of drills: until the copy answered; null where none came up, and for restore tests. */
  recoverySeconds: seconds.nullable(),
  /** Of drills: what would have been lost; null where nobody can tell, and for restore tests. */
  lostSeconds: seconds.nullable(),
  /** Of drills; null for restore tests. */
  met: z.boolean().nullable(),
});

/** A measured value beside what is wanted; null: not known, and `basis` says why. */
const measured = z.object({ seconds: seconds.nullable(), basis: text });

const retentionClass = z.object({
  name: text,
  /** In words. */
  wanted: text,
  kept: text,
  /** null: nobody can tell. */
  fulfilled: z.boolean().nullable(),
  remark: text.nullable(),
});

/**
 * The state of the backup strategy, for auditors, operators and programs: every number with its unit in its name, every time
 * ISO 8601 in UTC. A part that could not be read is null and named in `unknown`; it is never shown as fine.
 */
export const strategyReportSchema = z.object({
  formatVersion: z.literal(1),
  made: time,
  larderVersion: text,
  cluster: text.nullable(),
  repository: text,
  /** What "worst", failures and growth look back at. */
  periodSeconds: seconds,
  verdict: z.object({
    /** `failing`: an objective is broken. `unknown`: nothing is known to be broken, and not everything is known. */
    status: z.enum(['ok', 'attention', 'unknown', 'failing']),
    sentence: text,
    reasons: z.array(z.object({ status: z.enum(['attention', 'unknown', 'failing']), text })),
  }),
  recovery: z
    .object({
      sentence: text,
      windows: z.array(z.object({ timeline: count, from: point, until: point, backup: text })),
      holes: z.array(
        z.object({
          from: text,
          to: text,
          segments: text,
          recorded: time.nullable(),
          reason: text.nullable(),
          /** Whether a backup would have to be rolled forward through it. */
          needed: z.boolean(),
        }),
      ),
      problems: z.array(text),
      backups: z.array(backup),
      unreadable: z.array(z.object({ id: text, problem: text })),
    })
    .nullable(),
  objectives: z.object({
    rpo: z.object({
      targetSeconds: seconds.nullable(),
      now: measured,
      worst: measured,
      met: z.boolean().nullable(),
    }),
    rto: z.object({
      targetSeconds: seconds.nullable(),
      last: measured,
      worst: measured,
      met: z.boolean().nullable(),
    }),
    storage: z.object({
      target: z.number().nullable(),
      used: z.number().nullable(),
      totalBytes: bytes.nullable(),
      freeBytes: bytes.nullable(),
      met: z.boolean().nullable(),
    }),
  }),
  /** Newest first. */
  proofs: z.array(proof).nullable(),
  runs: z
    .object({
      tasks: z.array(
        z.object({
          task: text,
          succeeded: count,
          failed: count,
          lastSuccess: time.nullable(),
          lastResult: text.nullable(),
        }),
      ),
      /** Newest first. */
      failures: z.array(
        z.object({
          time,
          task: text,
          result: text,
          code: text.nullable(),
          message: text.nullable(),
          hint: text.nullable(),
        }),
      ),
      causes: z.array(z.object({ code: text, count })),
    })
    .nullable(),
  storage: z
    .object({
      totalBytes: bytes,
      parts: z.array(z.object({ name: text, bytes, backups: count.nullable() })),
    })
    .nullable(),
  growth: z
    .object({
      /** Of what is written into the repository, before anything is removed. */
      storedBytesPerDay: bytes.nullable(),
      logBytesPerDay: bytes.nullable(),
      /** Of the cluster itself. */
      sourceBytesPerDay: bytes.nullable(),
      basis: text,
    })
    .nullable(),
  cost: z.object({
    pricePerGbMonth: z.number().nullable(),
    currency: text.nullable(),
    perMonth: z.number().nullable(),
    basis: text,
  }),
  retention: z
    .object({
      classes: z.array(retentionClass),
      removals: z.array(z.object({ id: text, bytes: bytes.nullable(), when: text, why: text })),
      logBytes: bytes,
      bytes: z.object({ all: bytes, nextRun: bytes }),
    })
    .nullable(),
  schedule: z.array(z.object({ task: text, when: text, next: time.nullable() })).nullable(),
  /** What could not be read, and why. */
  unknown: z.array(z.object({ what: text, why: text })),
});

export type StrategyReport = z.infer<typeof strategyReportSchema>;
export type ReportedBackup = z.infer<typeof backup>;
export type ReportedProof = z.infer<typeof proof>;
export type RetentionClass = z.infer<typeof retentionClass>;
