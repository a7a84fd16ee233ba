import * as z from 'zod';
import { formatLsn, type Lsn } from '../postgres/lsn.ts';
import type { SlotFacts } from '../postgres/sql/slot-facts.ts';
import type { ProcessIdentity } from '../process-identity.ts';

/** Where a receiver is; what metrics and `larder wal status` are made of. */
export interface ReceiverStatus {
  /** `waiting`: there is no connection, and the next try is to come. */
  readonly state: 'starting' | 'streaming' | 'waiting';
  readonly timeline: number | undefined;
  /** Behind the last byte received. */
  readonly received: Lsn | undefined;
  /** What the server was told is durable, in the sense of `ack`. */
  readonly durable: Lsn | undefined;
  /** Everything before it is in the repository. */
  readonly stored: Lsn | undefined;
  /** How far the server is, as far as we heard. */
  readonly serverEnd: Lsn | undefined;
  /** Milliseconds since 1970 UTC at which the oldest change that is not durable was first known of; 0: caught up. */
  readonly unprotectedSince: number;
  /** Bytes of finished segments that wait in the spool. */
  readonly spoolBytes: number;
  /** `undefined` while the server cannot be asked. */
  readonly slot: (SlotFacts & { readonly name: string }) | undefined;
  /** Connections made after the first one. */
  readonly restarts: number;
  /** What it fails at right now. */
  readonly problem: string | undefined;
}

/** In the spool directory, written anew every second while a receiver runs. */
export const STATUS_FILE = 'status.json';

const schema = z.object({
  process: z.looseObject({ host: z.string(), pid: z.number() }),
  /** When this was written, ISO 8601. */
  updated: z.iso.datetime(),
  state: z.enum(['starting', 'streaming', 'waiting']),
  timeline: z.number().nullable(),
  received: z.string().nullable(),
  durable: z.string().nullable(),
  stored: z.string().nullable(),
  serverEnd: z.string().nullable(),
  /** null while the server cannot be asked; what it cannot tell is null. */
  slot: z
    .object({
      name: z.string(),
      /** `reserved`, `extended`, `unreserved` or `lost`. */
      walStatus: z.string().nullable(),
      retainedBytes: z.number().nullable(),
      /** Bytes that can be written before the slot is lost; null also when nothing limits it. */
      safeBytes: z.number().nullable(),
    })
    .nullable(),
  /** ISO 8601; null: caught up. */
  unprotectedSince: z.iso.datetime().nullable(),
  spoolBytes: z.number(),
  restarts: z.number(),
  problem: z.string().nullable(),
});

/** The status as another process reads it. */
export type PublishedStatus = z.infer<typeof schema>;

export function encodeStatus(status: ReceiverStatus, self: ProcessIdentity, now: number): string {
  const lsn = (value: Lsn | undefined): string | null => (value === undefined ? null : formatLsn(value));
  const published: PublishedStatus = {
    process: { ...self },
    updated: new Date(now).toISOString(),
    state: status.state,
    timeline: status.timeline ?? null,
    received: lsn(status.received),
    durable: lsn(status.durable),
    stored: lsn(status.stored),
    serverEnd: lsn(status.serverEnd),
    slot: slotOf(status),
    unprotectedSince: status.unprotectedSince === 0 ? null : new Date(status.unprotectedSince).toISOString(),
    spoolBytes: status.spoolBytes,
    restarts: status.restarts,
    problem: status.problem ?? null,
  };
  return `${JSON.stringify(published)}\n`;
}

function slotOf({ slot }: ReceiverStatus): PublishedStatus['slot'] {
  if (slot === undefined) return null;
  const { name, walStatus = null, retainedBytes = null, safeBytes = null } = slot;
  return { name, walStatus, retainedBytes, safeBytes };
}

/** `undefined` for anything that no receiver wrote. */
export function decodeStatus(text: string): PublishedStatus | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
