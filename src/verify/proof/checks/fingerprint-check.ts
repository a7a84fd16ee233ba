import { toLarderError } from '../../../errors.ts';
import type { Clock } from '../../../clock.ts';
import { openInstanceReader } from '../../../postgres/server/instance-session.ts';
import type { Session } from '../../../postgres/sql/session.ts';
import type { CommitRecord } from '../../../repository/commit-record.ts';
import { readFingerprint, whyNoFingerprint } from '../../../repository/fingerprint/read-fingerprint.ts';
import type { SchemaFingerprint } from '../../../repository/fingerprint/schema-fingerprint.ts';
import type { ObjectStore } from '../../../storage/object-store.ts';
import { collationWarnings } from '../../fingerprint/collation-warnings.ts';
import { compareFingerprint } from '../../fingerprint/compare-fingerprint.ts';
import { inspectCopy } from '../../fingerprint/inspect-copy.ts';
import type { Check } from '../../proof-report.ts';
import { checkOf, copyFinding, type Answer } from '../answer.ts';
import { serverError } from '../../../postgres/server-error.ts';
import type { RunningCopy } from '../start-copy.ts';

/** How long the copy may be counted: what is not reached is told, milliseconds. */
const LIMIT = 3_600_000;

export interface FingerprintCheck {
  readonly store: ObjectStore;
  readonly backup: CommitRecord;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Compares what the copy holds with what its source held when it was backed up: every object of the schema, the rows of its
 * tables, and the versions of the libraries that text is sorted by. To be asked before anything is written to the copy.
 * @throws LarderError what keeps the store from answering; the signal's reason
 */
export async function checkFingerprint(copy: RunningCopy, look: FingerprintCheck): Promise<Check[]> {
  const began = look.clock.monotonic();
  const answers = await compare(copy, look);
  const seconds = (look.clock.monotonic() - began) / 1000;
  return answers.map(([name, answer], index) => checkOf(name, answer, index === 0 ? seconds : 0));
}

type Named = readonly [name: string, answer: Answer];

async function compare(copy: RunningCopy, look: FingerprintCheck): Promise<Named[]> {
  const { store, backup, clock, signal } = look;
  try {
    const expected = await readFingerprint(store, backup);
    if (expected === undefined) return nothingToCompare(whyNoFingerprint(backup));
    const open = (database: string): Promise<Session> => openReader(copy, database);
    const found = await inspectCopy(open, expected, { clock, signal, limit: LIMIT });
    const { schema, rows } = compareFingerprint(expected, found);
    return [
      ['schema', schema],
      ['row_counts', rows],
      ['collations', collations(expected, found)],
    ];
  } catch (thrown) {
    signal.throwIfAborted();
    const error = toLarderError(thrown);
    if (!OF_COPY.includes(error.code)) throw thrown;
    const finding = { ...copyFinding(error.message), code: error.code };
    return [['schema', { detail: 'could not be compared', findings: [finding], exceptions: [] }]];
  }
}

/** Of the fingerprint itself, and what the copy's server says. */
const OF_COPY: readonly string[] = [
  'OBJECT_DAMAGED',
  'OBJECT_MISSING',
  'SERVER_ERROR',
  'CONNECTION_LOST',
  'PROTOCOL_VIOLATION',
];

async function openReader({ connection }: RunningCopy, database: string): Promise<Session> {
  try {
    return await openInstanceReader(connection, database);
  } catch (error) {
    throw serverError(error, `opening the database ${database} of the copy`);
  }
}

function collations(expected: SchemaFingerprint, found: Parameters<typeof collationWarnings>[1]): Answer {
  const exceptions = collationWarnings(expected, found);
  return { detail: 'versions of the libraries that text is sorted by', findings: [], exceptions };
}

function nothingToCompare(why: string): Named[] {
  const answer = { detail: 'not compared', findings: [], exceptions: [why] };
  return [
    ['schema', answer],
    ['row_counts', answer],
  ];
}
