import * as z from 'zod';
import type { ErrorCode } from '../errors.ts';
import type { Task } from '../jobs/job.ts';
import { TASKS } from '../jobs/job.ts';
import type { ProcessIdentity } from '../process-identity.ts';

/**
 * `manual`: a command. `request`: asked of the service. `after_backup`: what follows a backup. `rerun`: an earlier run was
 * interrupted.
 */
const REASONS = ['schedule', 'manual', 'request', 'first', 'catch_up', 'after_backup', 'rerun'] as const;
/** `coalesced`: another run does its work too. `skipped`: a slot that is not made up for. Neither ever begins. */
const RESULTS = ['success', 'failure', 'timeout', 'canceled', 'interrupted', 'coalesced', 'skipped'] as const;

export type RunReason = (typeof REASONS)[number];
export type RunResult = (typeof RESULTS)[number];

/** One try of a run; what it failed with where it did. */
export interface RunAttempt {
  readonly started: number;
  readonly durationSeconds: number;
  readonly errorCode?: ErrorCode;
  readonly errorMessage?: string;
}

/** A part of a run, in the job's own word; of a run with several attempts all of their parts. */
export interface RunPhase {
  readonly name: string;
  readonly durationSeconds: number;
}

/** One run of a task. Times are milliseconds since 1970 UTC. */
export interface RunRecord {
  readonly id: string;
  readonly cluster: string;
  readonly task: Task;
  readonly reason: RunReason;
  /** Who asked for it, as the audit trail names them; absent where nobody did. */
  readonly requestedBy?: string;
  /** When its work began; until then, when it was asked for. */
  readonly started: number;
  /** What it is to satisfy. */
  readonly slot?: number;
  /** It waits for others, and its work has not begun. */
  readonly waiting?: true;
  /** Every attempt that is over. */
  readonly attempts?: readonly RunAttempt[];
  readonly phases?: readonly RunPhase[];
  /** The run that does its work too. */
  readonly coalescedInto?: string;
  /** Absent while the run goes on, and for ever if its process died. */
  readonly ended?: number;
  /** Absent while the run goes on. */
  readonly result?: RunResult;
  readonly errorCode?: ErrorCode;
  readonly errorMessage?: string;
  readonly hint?: string;
  /** The backup it made, or the one it is about. */
  readonly backupId?: string;
  readonly sourceBytes?: number;
  readonly storedBytes?: number;
  readonly warnings?: readonly string[];
  /** What came out otherwise than was asked for, and why. */
  readonly remark?: string;
  /** Measured on a clock that does not jump. */
  readonly durationSeconds?: number;
  readonly process: ProcessIdentity;
}

const FORMAT_VERSION = 1;
const time = z.iso.datetime().transform((text) => Date.parse(text));
const optional = { text: z.string().exactOptional(), bytes: z.number().nonnegative().exactOptional() };
const durationSeconds = z.number().nonnegative();
const errorCode = z
  .string()
  .transform((code) => code as ErrorCode)
  .exactOptional();

const stamp = z.object({ version: z.literal(FORMAT_VERSION) });
const storedRun = z.object({
  id: z.string().min(1),
  cluster: z.string(),
  task: z.enum(TASKS),
  reason: z.enum(REASONS),
  requestedBy: optional.text,
  started: time,
  slot: time.exactOptional(),
  waiting: z.literal(true).exactOptional(),
  attempts: z
    .array(z.object({ started: time, durationSeconds, errorCode, errorMessage: optional.text }))
    .exactOptional(),
  phases: z.array(z.object({ name: z.string(), durationSeconds })).exactOptional(),
  coalescedInto: optional.text,
  ended: time.exactOptional(),
  result: z.enum(RESULTS).exactOptional(),
  errorCode,
  errorMessage: optional.text,
  hint: optional.text,
  backupId: optional.text,
  sourceBytes: optional.bytes,
  storedBytes: optional.bytes,
  warnings: z.array(z.string()).exactOptional(),
  remark: optional.text,
  durationSeconds: durationSeconds.exactOptional(),
  process: z.object({
    host: z.string(),
    pid: z.number().int(),
    bootId: optional.text,
    pidNamespace: optional.text,
    processStart: optional.text,
  }),
});

/** One line of the history, without its line feed. */
export function encodeRun(record: RunRecord): string {
  const { started, slot, ended, attempts, ...rest } = record;
  const times = {
    started: iso(started),
    ...(slot === undefined ? {} : { slot: iso(slot) }),
    ...(ended === undefined ? {} : { ended: iso(ended) }),
    ...(attempts === undefined
      ? {}
      : { attempts: attempts.map((attempt) => ({ ...attempt, started: iso(attempt.started) })) }),
  };
  return JSON.stringify({ version: FORMAT_VERSION, ...rest, ...times });
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** The run of one line; undefined for a torn line or one that a newer Larder wrote. */
export function decodeRun(line: string): RunRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  return stamp.safeParse(value).success ? storedRun.safeParse(value).data : undefined;
}
