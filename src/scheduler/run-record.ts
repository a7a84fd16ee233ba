import { z } from 'zod';
import type { ErrorCode } from '../errors.ts';
import type { Task } from '../jobs/job.ts';
import type { ProcessIdentity } from '../process-identity.ts';

export type RunReason = 'schedule' | 'manual' | 'first' | 'catch_up';
export type RunResult = 'success' | 'failure' | 'timeout' | 'canceled' | 'interrupted';

/** One run of a task. Times are milliseconds since 1970 UTC. */
export interface RunRecord {
  readonly id: string;
  readonly cluster: string;
  readonly task: Task;
  readonly reason: RunReason;
  readonly started: number;
  /** Absent while the run goes on, and for ever if its process died. */
  readonly ended?: number;
  /** Absent while the run goes on. */
  readonly result?: RunResult;
  readonly errorCode?: ErrorCode;
  readonly errorMessage?: string;
  readonly hint?: string;
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

const stamp = z.object({ version: z.literal(FORMAT_VERSION) });
const storedRun = z.object({
  id: z.string().min(1),
  cluster: z.string(),
  task: z.enum(['backup_full', 'backup_incremental', 'retention']),
  reason: z.enum(['schedule', 'manual', 'first', 'catch_up']),
  started: time,
  ended: time.exactOptional(),
  result: z.enum(['success', 'failure', 'timeout', 'canceled', 'interrupted']).exactOptional(),
  errorCode: z
    .string()
    .transform((code) => code as ErrorCode)
    .exactOptional(),
  errorMessage: optional.text,
  hint: optional.text,
  backupId: optional.text,
  sourceBytes: optional.bytes,
  storedBytes: optional.bytes,
  warnings: z.array(z.string()).exactOptional(),
  remark: optional.text,
  durationSeconds: z.number().nonnegative().exactOptional(),
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
  const ended = record.ended === undefined ? {} : { ended: new Date(record.ended).toISOString() };
  const started = new Date(record.started).toISOString();
  return JSON.stringify({ version: FORMAT_VERSION, ...record, started, ...ended });
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
