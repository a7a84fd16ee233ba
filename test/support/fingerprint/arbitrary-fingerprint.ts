import fc from 'fast-check';
import { pathFromBytes } from '../../../src/postgres/path-bytes.ts';
import { OBJECT_KINDS } from '../../../src/postgres/sql/fingerprint/look.ts';
import {
  PRESENCES,
  type RowExpectation,
  type SchemaFingerprint,
} from '../../../src/repository/fingerprint/schema-fingerprint.ts';
import { pathPart } from '../arbitrary-paths.ts';

/** Any bytes but zero, as PostgreSQL takes them; `pathFromBytes` makes the string. */
const name = fc.oneof(pathPart.map(pathFromBytes), fc.constantFrom('', 'a.b', 'x\ny', '"', 'pg_x'));
const number = fc.oneof(fc.nat(), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }));
const oid = fc.nat(2 ** 32 - 1);
const provider = fc.constantFrom('libc' as const, 'icu' as const, 'builtin' as const);
const text = fc.string({ unit: 'binary' });

const rows: fc.Arbitrary<RowExpectation | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.record({
    kind: fc.constant('counted' as const),
    least: number,
    most: number,
    before: number,
    after: number,
  }),
  fc.record({
    kind: fc.constant('counted' as const),
    least: number,
    most: fc.constant(null),
    before: fc.constant(null),
    after: number,
  }),
  fc.record({ kind: fc.constant('estimated' as const), least: number, certain: fc.boolean(), why: text }),
  fc.record({ kind: fc.constant('unknown' as const), why: text }),
);

const object = fc.record({
  kind: fc.constantFrom(...OBJECT_KINDS),
  oid,
  schema: name,
  name,
  presence: fc.constantFrom(...PRESENCES),
  digest: fc.oneof(
    fc.constant(''),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((bits) => bits.toString(16).padStart(16, '0')),
  ),
  rows,
});

const database = fc.record({
  oid,
  name,
  encoding: fc.string(),
  collate: fc.string(),
  ctype: fc.string(),
  locale: fc.option(fc.string()),
  provider,
  collationVersion: fc.option(fc.string()),
  actualCollationVersion: fc.option(fc.string()),
  template: fc.boolean(),
  presence: fc.constantFrom(...PRESENCES),
  notLookedAt: fc.option(text),
  objects: fc.array(object, { maxLength: 20 }),
});

export const schemaFingerprint: fc.Arbitrary<SchemaFingerprint> = fc.record({
  settledBefore: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  server: fc.record({
    versionNumber: fc.nat(),
    dataChecksums: fc.option(fc.boolean()),
    collations: fc.array(fc.record({ provider, version: fc.string() }), { maxLength: 3 }),
  }),
  databases: fc.array(database, { maxLength: 5 }),
});
