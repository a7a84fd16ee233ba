import * as z from 'zod';
import { LarderError } from '../errors.ts';
import { parseLsn } from '../postgres/lsn.ts';
import { decodeSealedJson, encodeSealedJson, formatVersion } from './sealed-json.ts';

const lsn = z.string().refine((text) => parseLsn(text) !== undefined, 'not an LSN');
const count = z.number().int().nonnegative();
const time = z.iso.datetime();

/**
 * The commit record: a backup exists if and only if this object does. Readable JSON, written last. LSNs are text, times
 * ISO 8601 in UTC, sizes bytes; everything a fresh host needs to know before it reads the manifest.
 */
const schema = z.strictObject({
  formatVersion,
  id: z.string(),
  type: z.enum(['full', 'incremental']),
  /** `corrupt_source`: the server found damaged pages while it sent them. Kept, never counted as good. */
  state: z.enum(['complete', 'corrupt_source']),
  /** The backup this one builds on; null for a full one. */
  parent: z.string().nullable(),
  /** The full backup its chain begins with: itself, for a full one. */
  chain: z.string(),
  /** Why it is a full backup, where an incremental one was asked for; null otherwise. Not in format version 1. */
  fullBecause: z.string().nullable().optional(),
  cluster: z.string(),
  systemIdentifier: z.string().regex(/^\d+$/),
  /** As the server prints it: `17.10 (Debian …)`. */
  serverVersion: z.string(),
  serverVersionNumber: count,
  walSegmentSize: count,
  timeline: count,
  startLsn: lsn,
  stopLsn: lsn,
  /** The WAL that recovery needs, and that the backup carries. */
  walRanges: z.array(z.strictObject({ timeline: count, start: lsn, end: lsn })).readonly(),
  startTime: time,
  endTime: time,
  /** Whether the pages carry checksums; a switch rewrites them behind the log's back. Not in format version 1. */
  dataChecksums: z.boolean().optional(),
  /** Sum of the sizes of all files. */
  sourceBytes: count,
  /** What the server sent of their contents, bytes. Not in format version 1. */
  receivedBytes: count.optional(),
  /** Sum of the sizes of all objects but this one. */
  storedBytes: count,
  files: count,
  directories: count,
  tablespaces: z.array(z.strictObject({ oid: count, location: z.string() })).readonly(),
  /** The databases at the time of the backup; null when the role may not connect to ask. */
  databases: z
    .array(z.strictObject({ name: z.string(), bytes: count.nullable() }))
    .readonly()
    .nullable(),
  /** Files of unlogged relations that were created meanwhile: no restore makes them. Not in format version 1. */
  leftOut: z.array(z.string()).readonly().optional(),
  /** Tablespaces that the log of the backup makes; locations as `pathFromBytes` has them. Undefined: unknown, as in earlier releases. */
  madeTablespaces: z
    .array(z.strictObject({ oid: count, location: z.string() }))
    .readonly()
    .optional(),
  /** What the server said beside the data, each once, bounded. */
  warnings: z.array(z.string()).readonly(),
  objects: z
    .array(z.strictObject({ name: z.string(), size: count, sha256: z.string().regex(/^[0-9a-f]{64}$/) }))
    .readonly(),
  source: z.enum(['replication']),
  compressionLevel: count,
  cipher: z.literal('none'),
  /** Who wrote it: the lease's fencing number, and where. */
  writer: z.strictObject({ epoch: count, host: z.string(), process: count }),
  larderVersion: z.string(),
});

export type CommitRecord = z.infer<typeof schema>;

/** Larger than any record of ours: packs of 64 MiB give 200 bytes each, so this is reached beyond 20 TB. */
export const COMMIT_RECORD_LIMIT = 64 * 1024 * 1024;

export function encodeCommitRecord(record: CommitRecord): Buffer {
  return encodeSealedJson(record);
}

/**
 * @param name of the object, for messages
 * @throws LarderError OBJECT_DAMAGED; REPOSITORY_NEWER_FORMAT
 */
export function decodeCommitRecord(bytes: Uint8Array, name: string): CommitRecord {
  const parsed = schema.safeParse(decodeSealedJson(bytes, name));
  if (parsed.success) return parsed.data;
  throw new LarderError('OBJECT_DAMAGED', `${name} is not a commit record: ${z.prettifyError(parsed.error)}`);
}
