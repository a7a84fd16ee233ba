import { createHash } from 'node:crypto';
import * as z from 'zod';

/** Something that somebody did. */
export interface AuditEntry {
  /** Milliseconds since 1970 UTC. */
  readonly time: number;
  /** `user:<account>` for a command, `schedule`, `token:<name>` for the API. */
  readonly actor: string;
  readonly action: AuditAction;
  /** What it was done to: a backup's id, a cluster's name, a directory. */
  readonly subject: string;
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}

export const AUDIT_ACTIONS = [
  'backup',
  'restore',
  'verify',
  'delete',
  'hold',
  'release',
  'configure',
  'run',
  'cancel',
  'pause',
  'resume',
  'report',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** An entry in its place: `previous` and `hash` chain it to the one before it. */
export interface AuditRecord extends AuditEntry {
  /** 1, 2, 3, … */
  readonly number: number;
  /** Hash of the record before it; 64 zeros for the first. */
  readonly previous: string;
  readonly hash: string;
}

/** What the next record is chained to. */
export type AuditHead = Pick<AuditRecord, 'number' | 'hash'>;

export const NO_RECORDS: AuditHead = { number: 0, hash: '0'.repeat(64) };

const schema = z.strictObject({
  number: z.int().positive(),
  time: z.iso.datetime().transform((text) => Date.parse(text)),
  actor: z.string(),
  action: z.enum(AUDIT_ACTIONS),
  subject: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  previous: z.string().regex(/^[0-9a-f]{64}$/),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});

const HASH_MEMBER = /,"hash":"[0-9a-f]{64}"\}$/;

/**
 * The line of a record, without its line feed: JSON whose last member is the SHA-256 of the line without that member.
 * @returns also the head for the next one
 */
export function encodeAuditRecord(
  entry: AuditEntry,
  head: AuditHead,
): { readonly line: string; readonly head: AuditHead } {
  const { time, actor, action, subject, details } = entry;
  const number = head.number + 1;
  const body = JSON.stringify({
    number,
    time: new Date(time).toISOString(),
    actor,
    action,
    subject,
    details,
    previous: head.hash,
  });
  const hash = hashOf(body);
  return { line: `${body.slice(0, -1)},"hash":"${hash}"}`, head: { number, hash } };
}

/** Reads one line; undefined where it is no whole record, or not the one that was written. */
export function decodeAuditRecord(line: string): AuditRecord | undefined {
  const body = `${line.replace(HASH_MEMBER, '')}}`;
  try {
    const record = schema.safeParse(JSON.parse(line)).data;
    return record?.hash === hashOf(body) ? record : undefined;
  } catch {
    return undefined;
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
