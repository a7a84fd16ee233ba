import { createHash } from 'node:crypto';
import { z } from 'zod';
import { LarderError } from '../errors.ts';
import { parseLsn } from '../postgres/lsn.ts';
import { FORMAT_VERSION } from './object-header.ts';

const lsn = z.string().refine((text) => parseLsn(text) !== undefined, 'not an LSN');
const count = z.number().int().nonnegative();
const time = z.iso.datetime();

/**
 * The commit record: a backup exists if and only if this object does. Readable JSON, written last. LSNs are text, times
 * ISO 8601 in UTC, sizes bytes; everything a fresh host needs to know before it reads the manifest.
 */
const schema = z.strictObject({
  formatVersion: z.literal(FORMAT_VERSION),
  id: z.string(),
  type: z.enum(['full', 'incremental']),
  /** `corrupt_source`: the server found damaged pages while it sent them. Kept, never counted as good. */
  state: z.enum(['complete', 'corrupt_source']),
  /** The backup this one builds on; null for a full one. */
  parent: z.string().nullable(),
  /** The full backup its chain begins with: itself, for a full one. */
  chain: z.string(),
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
  /** Sum of the sizes of all files. */
  sourceBytes: count,
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

/** A record as stored: its JSON, with the SHA-256 of that JSON as one more member at the end. */
function seal(record: object): Buffer {
  const sha256 = createHash('sha256')
    .update(JSON.stringify(record, null, 2))
    .digest('hex');
  return Buffer.from(`${JSON.stringify({ ...record, sha256 }, null, 2)}\n`, 'utf8');
}

export function encodeCommitRecord(record: CommitRecord): Buffer {
  return seal(record);
}

/**
 * @param name of the object, for messages
 * @throws LarderError OBJECT_DAMAGED; REPOSITORY_NEWER_FORMAT
 */
export function decodeCommitRecord(bytes: Uint8Array, name: string): CommitRecord {
  const { sha256, ...rest } = parseJsonObject(bytes, name);
  const version = rest['formatVersion'];
  if (typeof version === 'number' && version > FORMAT_VERSION) {
    throw new LarderError(
      'REPOSITORY_NEWER_FORMAT',
      `${name} has format ${version}; this release reads up to ${FORMAT_VERSION}`,
      {
        hint: 'Use the release of Larder that wrote it, or a later one.',
      },
    );
  }
  // compared whole, so that no byte can change, not even one that JSON would pass over
  if (sha256 === undefined || !seal(rest).equals(bytes)) {
    throw new LarderError('OBJECT_DAMAGED', `${name} does not agree with its own checksum`);
  }
  const parsed = schema.safeParse(rest);
  if (parsed.success) return parsed.data;
  throw new LarderError('OBJECT_DAMAGED', `${name} is not a commit record: ${z.prettifyError(parsed.error)}`);
}

/** The object that some bytes are the JSON of. Throws OBJECT_DAMAGED. */
export function parseJsonObject(bytes: Uint8Array, name: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // falls through: not JSON, or not an object, is the same damage
  }
  throw new LarderError('OBJECT_DAMAGED', `${name} is not a JSON object`);
}
