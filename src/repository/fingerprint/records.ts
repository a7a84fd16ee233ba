import * as z from 'zod';
import { LarderError } from '../../errors.ts';
import { pathFromBytes, pathToBytes } from '../../postgres/path-bytes.ts';
import { OBJECT_KINDS } from '../../postgres/sql/fingerprint/look.ts';
import { ByteReader, ByteWriter } from '../manifest/byte-codec.ts';
import {
  PRESENCES,
  type DatabaseFingerprint,
  type FingerprintObject,
  type RowExpectation,
  type SchemaFingerprint,
} from './schema-fingerprint.ts';

/**
 * The records of a fingerprint: first the cluster, then each database with its objects behind it, then the end. Clusters and
 * databases are few and change with versions: JSON. Objects are tens of thousands: bytes.
 */
export type FingerprintRecord =
  | ({ readonly kind: 'cluster' } & Omit<SchemaFingerprint, 'databases'>)
  | { readonly kind: 'database'; readonly database: Omit<DatabaseFingerprint, 'objects'> }
  | { readonly kind: 'object'; readonly object: FingerprintObject }
  | { readonly kind: 'end'; readonly databases: number; readonly objects: number };

const TAGS = { cluster: 1, database: 2, object: 3, end: 4 } as const;
const ROWS = { none: 0, counted: 1, countedLater: 2, estimated: 3, certain: 4, unknown: 5 } as const;
const DIGEST_BYTES = 8;

const provider = z.enum(['libc', 'icu', 'builtin']);
const clusterSchema = z.strictObject({
  settledBefore: z.string().regex(/^\d+$/).transform(BigInt),
  server: z.strictObject({
    versionNumber: z.number(),
    dataChecksums: z.boolean().nullable(),
    collations: z.array(z.strictObject({ provider, version: z.string() })),
  }),
});
const databaseSchema = z.strictObject({
  oid: z.number(),
  name: z.string(),
  encoding: z.string(),
  collate: z.string(),
  ctype: z.string(),
  locale: z.string().nullable(),
  provider,
  collationVersion: z.string().nullable(),
  actualCollationVersion: z.string().nullable(),
  template: z.boolean(),
  presence: z.enum(PRESENCES),
  notLookedAt: z.string().nullable(),
});

export function encodeFingerprintRecord(record: FingerprintRecord): Buffer {
  const writer = new ByteWriter().varint(TAGS[record.kind]);
  switch (record.kind) {
    case 'cluster': {
      const { settledBefore, server } = record;
      return writer.bytes(json({ settledBefore: String(settledBefore), server })).take();
    }
    case 'database':
      return writer.bytes(json(record.database)).take();
    case 'object':
      return encodeObject(writer, record.object);
    case 'end':
      return writer.varint(record.databases).varint(record.objects).take();
  }
}

/** @throws LarderError OBJECT_DAMAGED */
export function decodeFingerprintRecord(bytes: Buffer): FingerprintRecord {
  const reader = new ByteReader(bytes);
  const record = decodeBody(reader.varint(), reader);
  reader.end();
  return record;
}

function decodeBody(tag: number, reader: ByteReader): FingerprintRecord {
  if (tag === TAGS.cluster) return { kind: 'cluster', ...parsed(clusterSchema, reader.bytes()) };
  if (tag === TAGS.database) return { kind: 'database', database: parsed(databaseSchema, reader.bytes()) };
  if (tag === TAGS.object) return { kind: 'object', object: decodeObject(reader) };
  if (tag === TAGS.end) return { kind: 'end', databases: reader.varint(), objects: reader.varint() };
  throw damaged();
}

function encodeObject(writer: ByteWriter, object: FingerprintObject): Buffer {
  writer.varint(OBJECT_KINDS.indexOf(object.kind)).varint(PRESENCES.indexOf(object.presence));
  writer.varint(object.oid).bytes(pathToBytes(object.schema)).bytes(pathToBytes(object.name));
  writer.bytes(Buffer.from(object.digest, 'hex'));
  return encodeRows(writer, object.rows).take();
}

function decodeObject(reader: ByteReader): FingerprintObject {
  const kind = OBJECT_KINDS[reader.varint()];
  const presence = PRESENCES[reader.varint()];
  if (kind === undefined || presence === undefined) throw damaged();
  const oid = reader.varint();
  const schema = pathFromBytes(reader.bytes());
  const name = pathFromBytes(reader.bytes());
  const digest = reader.bytes();
  if (digest.length !== 0 && digest.length !== DIGEST_BYTES) throw damaged();
  return { kind, oid, schema, name, presence, digest: digest.toString('hex'), rows: decodeRows(reader) };
}

function encodeRows(writer: ByteWriter, rows: RowExpectation | undefined): ByteWriter {
  if (rows === undefined) return writer.varint(ROWS.none);
  if (rows.kind === 'unknown') return writer.varint(ROWS.unknown).bytes(Buffer.from(rows.why));
  if (rows.kind === 'estimated') {
    return writer
      .varint(rows.certain ? ROWS.certain : ROWS.estimated)
      .varint(rows.least)
      .bytes(Buffer.from(rows.why));
  }
  const { least, most, before, after } = rows;
  if (most === null || before === null) return writer.varint(ROWS.countedLater).varint(least).varint(after);
  return writer.varint(ROWS.counted).varint(least).varint(most).varint(before).varint(after);
}

function decodeRows(reader: ByteReader): RowExpectation | undefined {
  const tag = reader.varint();
  if (tag === ROWS.none) return undefined;
  if (tag === ROWS.unknown) return { kind: 'unknown', why: reader.bytes().toString() };
  if (tag === ROWS.estimated || tag === ROWS.certain) {
    const least = reader.varint();
    return { kind: 'estimated', least, certain: tag === ROWS.certain, why: reader.bytes().toString() };
  }
  if (tag !== ROWS.counted && tag !== ROWS.countedLater) throw damaged();
  const least = reader.varint();
  const [most, before] = tag === ROWS.counted ? [reader.varint(), reader.varint()] : [null, null];
  return { kind: 'counted', least, most, before, after: reader.varint() };
}

function json(value: unknown): Buffer {
  // lone surrogates of names (`pathFromBytes`) come out as escapes
  return Buffer.from(JSON.stringify(value));
}

function parsed<T>(schema: z.ZodType<T>, bytes: Buffer): T {
  try {
    return schema.parse(JSON.parse(bytes.toString()));
  } catch {
    throw damaged();
  }
}

function damaged(): LarderError {
  return new LarderError('OBJECT_DAMAGED', 'a record of the fingerprint cannot be read');
}
