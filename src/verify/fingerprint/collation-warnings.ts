import type { CollationLibrary } from '../../postgres/sql/fingerprint/look.ts';
import type { SchemaFingerprint } from '../../repository/fingerprint/schema-fingerprint.ts';
import type { CopyInventory } from './inspect-copy.ts';

const LIBRARIES: Readonly<Record<CollationLibrary['provider'], string>> = {
  libc: 'libc',
  icu: 'ICU',
  builtin: 'the built-in collations',
};

/**
 * Where the copy runs with other collation libraries than its source did: text may sort otherwise there, so that an index is
 * found to be out of order which is not, or the other way round. A sentence each.
 */
export function collationWarnings(expected: SchemaFingerprint, found: CopyInventory): string[] {
  const here = new Map(found.server.collations.map(({ provider, version }) => [provider, version]));
  const libraries = expected.server.collations.flatMap(({ provider, version }) => {
    const actual = here.get(provider);
    if (actual === version) return [];
    const copy = actual === undefined ? 'tells no version' : `has version ${actual}`;
    return [`${LIBRARIES[provider]} ${copy} where the copy runs, and has version ${version} at its source`];
  });
  return [...libraries, ...sortedOtherwise(expected, found)];
}

/** Databases whose indexes were sorted with a version that the copy does not have. */
function sortedOtherwise(expected: SchemaFingerprint, found: CopyInventory): string[] {
  const copies = new Map(found.databases.map((database) => [database.oid, database]));
  return expected.databases.flatMap(({ oid, name, provider, collationVersion }) => {
    const actual = copies.get(oid)?.actualCollationVersion ?? null;
    if (collationVersion === null || actual === null || actual === collationVersion) return [];
    return [
      `database ${name} was sorted with version ${collationVersion} of ${LIBRARIES[provider]}, and the copy runs with ${actual}`,
    ];
  });
}
