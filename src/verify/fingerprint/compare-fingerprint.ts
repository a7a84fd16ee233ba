import type { DatabaseLook } from '../../postgres/sql/fingerprint/look.ts';
import type {
  DatabaseFingerprint,
  SchemaFingerprint,
} from '../../repository/fingerprint/schema-fingerprint.ts';
import { AnswerBuilder, type FingerprintAnswer } from './answer.ts';
import type { DatabasePair } from './database-pair.ts';
import { compareObjects, ObjectTally } from './compare-objects.ts';
import { RowTally, compareRows } from './compare-rows.ts';
import type { CopyInventory } from './inspect-copy.ts';

/**
 * Compares what a copy holds with what its source held while it was backed up. Pure; for a copy that stands at the end of the
 * backup, at no other point.
 */
export function compareFingerprint(
  expected: SchemaFingerprint,
  found: CopyInventory,
): { readonly schema: FingerprintAnswer; readonly rows: FingerprintAnswer } {
  const [schema, rows] = [new AnswerBuilder(), new AnswerBuilder()];
  const [objects, tables] = [new ObjectTally(), new RowTally()];
  for (const pair of comparableDatabases(expected, found, schema)) {
    compareObjects(pair, objects, schema);
    compareRows(pair, tables, rows);
  }
  tables.tellUnknown(rows);
  return { schema: schema.finish(objects.detail), rows: rows.finish(tables.detail) };
}

/** Compares the lists of databases; returns those that both could be looked into. */
function comparableDatabases(
  expected: SchemaFingerprint,
  found: CopyInventory,
  answer: AnswerBuilder,
): DatabasePair[] {
  const inCopy = new Map(found.databases.map((database) => [database.oid, database]));
  const known = new Set(expected.databases.map(({ oid }) => oid));
  for (const { oid, name, settled } of found.databases)
    if (settled && !known.has(oid))
      answer.finding(`the copy has a database ${name}, which its source had not`);
  return expected.databases.flatMap((database) => {
    const copy = inCopy.get(database.oid);
    if (copy === undefined) {
      if (database.presence !== 'passing')
        answer.finding(`database ${database.name} is missing from the copy`);
      return [];
    }
    if (database.presence === 'steady') compareFacts(database, copy, answer);
    return canBeCompared(database, copy, answer) ? [{ expected: database, found: copy }] : [];
  });
}

const FACTS = {
  name: 'name',
  encoding: 'encoding',
  collate: 'LC_COLLATE',
  ctype: 'LC_CTYPE',
  locale: 'locale',
  provider: 'locale provider',
} as const;

function compareFacts(expected: DatabaseFingerprint, found: DatabaseLook, answer: AnswerBuilder): void {
  for (const key of Object.keys(FACTS) as (keyof typeof FACTS)[]) {
    if (expected[key] === found[key]) continue;
    answer.finding(
      `database ${expected.name} has the ${FACTS[key]} ${found[key] ?? '(none)'} in the copy, and ${expected[key] ?? '(none)'} in its source`,
    );
  }
}

/** Nobody looks into templates, neither here nor there; everything else that nobody looked into is an exception. */
function canBeCompared(expected: DatabaseFingerprint, found: DatabaseLook, answer: AnswerBuilder): boolean {
  if (expected.presence === 'passing' || (expected.template && found.template)) return false;
  if (expected.notLookedAt !== null)
    answer.exception(
      `nobody looked into database ${expected.name} when the backup was taken: ${expected.notLookedAt}`,
    );
  else if (found.notLookedAt !== null)
    answer.exception(`database ${expected.name} of the copy cannot be looked into: ${found.notLookedAt}`);
  return expected.notLookedAt === null && found.notLookedAt === null;
}
