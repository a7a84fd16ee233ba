import {
  type CatalogObject,
  type ClusterLook,
  type DatabaseFacts,
  type DatabaseLook,
  sawTheSame,
} from '../../postgres/sql/fingerprint/look.ts';
import type {
  DatabaseFingerprint,
  FingerprintObject,
  Presence,
  SchemaFingerprint,
} from '../../repository/fingerprint/schema-fingerprint.ts';
import { expectedRows } from './expected-rows.ts';

/** What a copy that stands between the two looks must hold, may hold, and what nobody can tell. */
export function mergeLooks(before: ClusterLook, after: ClusterLook): SchemaFingerprint {
  const unchanged = sawTheSame(before, after);
  const databases = pairs(before.databases, after.databases, ({ oid }) => String(oid));
  return {
    settledBefore: before.settledBefore,
    server: before.server,
    databases: databases.map(([earlier, later]) => mergeDatabase(earlier, later, unchanged)),
  };
}

/** What is in either list, with what is in the other; one of the two is there. */
type Pair<T> = readonly [T, T | undefined] | readonly [undefined, T];

function pairs<T>(before: readonly T[], after: readonly T[], keyOf: (each: T) => string): Pair<T>[] {
  const later = new Map(after.map((each) => [keyOf(each), each]));
  const both = before.map((each): Pair<T> => {
    const found = later.get(keyOf(each));
    later.delete(keyOf(each));
    return [each, found];
  });
  return [...both, ...[...later.values()].map((each): Pair<T> => [undefined, each])];
}

function mergeDatabase(
  before: DatabaseLook | undefined,
  after: DatabaseLook | undefined,
  unchanged: boolean,
): DatabaseFingerprint {
  const facts = factsOf((before ?? after) as DatabaseLook);
  if (before === undefined || after?.firm !== true)
    return { ...facts, presence: 'passing', notLookedAt: null, objects: [] };
  const presence: Presence =
    JSON.stringify(factsOf(before)) === JSON.stringify(factsOf(after)) ? 'steady' : 'changed';
  const notLookedAt = before.notLookedAt ?? after.notLookedAt;
  if (notLookedAt !== null) return { ...facts, presence, notLookedAt, objects: [] };
  const objects = pairs(before.objects, after.objects, ({ kind, oid }) => `${kind} ${oid}`);
  return {
    ...facts,
    presence,
    notLookedAt,
    objects: objects.map(([earlier, later]) => mergeObject(earlier, later, unchanged)),
  };
}

function factsOf(look: DatabaseLook): DatabaseFacts {
  const { oid, name, encoding, collate, ctype, locale, provider } = look;
  const { collationVersion, actualCollationVersion, template } = look;
  const identity = { oid, name, encoding, collate, ctype, locale, provider };
  return { ...identity, collationVersion, actualCollationVersion, template };
}

function mergeObject(
  before: CatalogObject | undefined,
  after: CatalogObject | undefined,
  unchanged: boolean,
): FingerprintObject {
  const { kind, oid, schema, name } = (before ?? after) as CatalogObject;
  const identity = { kind, oid, schema, name };
  if (before === undefined || after?.firm !== true)
    return { ...identity, presence: 'passing', digest: '', rows: undefined };
  const steady = before.digest === after.digest && before.schema === after.schema;
  const rows =
    before.rows === undefined || after.rows === undefined
      ? undefined
      : expectedRows(before.rows, after.rows, unchanged);
  return { ...identity, presence: steady ? 'steady' : 'changed', digest: steady ? before.digest : '', rows };
}
