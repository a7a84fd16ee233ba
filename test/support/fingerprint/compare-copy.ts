import { systemClock } from '../../../src/clock.ts';
import { parseConnection } from '../../../src/postgres/parse-connection.ts';
import { withDatabase } from '../../../src/postgres/server/instance-session.ts';
import { Session } from '../../../src/postgres/sql/session.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import { readFingerprint, whyNoFingerprint } from '../../../src/repository/fingerprint/read-fingerprint.ts';
import type { SchemaFingerprint } from '../../../src/repository/fingerprint/schema-fingerprint.ts';
import { collationWarnings } from '../../../src/verify/fingerprint/collation-warnings.ts';
import { compareFingerprint } from '../../../src/verify/fingerprint/compare-fingerprint.ts';
import { inspectCopy } from '../../../src/verify/fingerprint/inspect-copy.ts';
import type { TestRepository } from '../backup-runner.ts';

/** The fingerprint that a backup must have. */
export async function fingerprintOf(
  { store }: TestRepository,
  backup: CommitRecord,
): Promise<SchemaFingerprint> {
  const fingerprint = await readFingerprint(store, backup);
  if (fingerprint === undefined) throw new Error(whyNoFingerprint(backup));
  return fingerprint;
}

/** What a running copy, or the source itself, is compared with a fingerprint. */
export async function compareCopy(expected: SchemaFingerprint, connection: string) {
  const { signal } = new AbortController();
  const open = (database: string): Promise<Session> =>
    Session.open(parseConnection(withDatabase(connection, database), {}), signal);
  const found = await inspectCopy(open, expected, { clock: systemClock, signal, limit: 120_000 });
  const { schema, rows } = compareFingerprint(expected, found);
  return { schema, rows, collations: collationWarnings(expected, found), found };
}

/** One sentence for each thing in which a running copy differs from the fingerprint of its backup; none is a finding too. */
export async function fingerprintFindings(
  repository: TestRepository,
  backup: CommitRecord,
  connection: string,
): Promise<string[]> {
  const expected = await readFingerprint(repository.store, backup);
  if (expected === undefined) return [whyNoFingerprint(backup)];
  const { schema, rows } = await compareCopy(expected, connection);
  return [...schema.findings, ...rows.findings].map(({ message }) => `fingerprint: ${message}`);
}
