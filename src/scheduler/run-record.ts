import * as z from 'zod';
import { crc32c, crc32cHex } from '../crc32c.ts';
import type { ErrorCode } from '../errors.ts';
import type { Task } from '../jobs/job.ts';
import { TASKS } from '../jobs/job.ts';
import type { ProcessIdentity } from '../process-identity.ts';

/**
 * `manual`: a command. `request`: asked of the service. `after_backup`: what follows a backup. `rerun`: an earlier run was
 * interrupted. `rebuilt`: the history was lost, and the repository tells that it was run.
 */
const REASONS = [
  'schedule',
  'manual',
  'request',
  'first',
  'catch_up',
  'after_backup',
  'rerun',
  'rebuilt',
] as const;
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

/** 1 has no checksum. */
const FORMAT_VERSION = 2;
const time = z.iso.datetime().transform((text) => Date.parse(text));
const optional = { text: z.string().exactOptional(), bytes: z.number().nonnegative().exactOptional() };
const durationSeconds = z.number().nonnegative();
const errorCode = z
  .string()
  .transform((code) => code as ErrorCode)
  .exactOptional();

const stamp = z.object({ version: z.number() });
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

/** One line of the history, without its line feed: JSON whose last member is the CRC-32C of the line without it. */
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
  const body = JSON.stringify({ version: FORMAT_VERSION, ...rest, ...times });
  return `${body.slice(0, -1)},"crc":"${crcOf(body)}"}`;
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** What a line of the history turned out to be. */
export type ReadLine =
  | { readonly kind: 'run'; readonly run: RunRecord }
  /** By a later Larder. */
  | { readonly kind: 'newer' }
  /** Cut short by a crash, or not what was written. */
  | { readonly kind: 'unreadable' };

const CRC_MEMBER = /,"crc":"([0-9a-f]{8})"\}$/;

/** Reads one line. */
export function readRunLine(line: string): ReadLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { kind: 'unreadable' };
  }
  const version = stamp.safeParse(value).data?.version;
  if (version !== undefined && version > FORMAT_VERSION) return { kind: 'newer' };
  const run = storedRun.safeParse(value).data;
  const isWhole = version === 1 ? !line.includes('"crc"') : isAsWritten(line);
  return run !== undefined && isWhole ? { kind: 'run', run } : { kind: 'unreadable' };
}

/** The run of one line; undefined for any other line. */
export function decodeRun(line: string): RunRecord | undefined {
  const read = readRunLine(line);
  return read.kind === 'run' ? read.run : undefined;
}

function isAsWritten(line: string): boolean {
  const crc = CRC_MEMBER.exec(line)?.[1];
  return crc !== undefined && crc === crcOf(`${line.replace(CRC_MEMBER, '')}}`);
}

function crcOf(text: string): string {
  return crc32cHex(crc32c(Buffer.from(text)));
}
