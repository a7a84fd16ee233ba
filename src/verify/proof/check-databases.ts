import type { Clock } from '../../clock.ts';
import type { Check } from '../proof-report.ts';
import { checkOf, copyFinding } from './answer.ts';
import { loadAmcheck } from './amcheck.ts';
import { contentCheck } from './checks/content-check.ts';
import { fileCheck } from './checks/file-check.ts';
import { heapCheck } from './checks/heap-check.ts';
import { indexCheck } from './checks/index-check.ts';
import { libraryCheck } from './checks/library-check.ts';
import { disableEventTriggers, type CopiedDatabase } from './copied-databases.ts';
import { CopyFailure, openCopySession, type CopySession } from './copy-session.ts';
import { DatabaseSessions, SessionPlaces, type DatabaseSession } from './database-sessions.ts';
import { mergeSeen, type DatabaseCheck, type DatabaseLook, type Seen } from './database-look.ts';
import { readRelations } from './relations.ts';
import type { RunningCopy } from './start-copy.ts';
import { touchedRelations } from './touched-files.ts';

export interface DatabasesCheck {
  readonly level: 'restore' | 'full';
  /** Sessions of the copy's server that look at relations side by side. */
  readonly concurrency: number;
  /** Leaves relations out that nobody has written to since then, milliseconds since 1970; undefined for none. */
  readonly touchedSince?: number | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Bytes of relations that were looked at, of all that will be. */
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
}

/** What one check saw of one database, and how long it took. */
interface Timed {
  readonly check: DatabaseCheck;
  readonly seen: Seen;
  readonly seconds: number;
}

/**
 * Looks at every relation of every database. A database that cannot be opened is a finding of each check, or an exception
 * where this host lacks what it needs.
 * @throws LarderError INSTANCE_FAILED, the signal's reason
 */
export async function checkDatabases(
  copy: RunningCopy,
  databases: readonly CopiedDatabase[],
  options: DatabasesCheck,
): Promise<Check[]> {
  const progress = new BytesSeen(options.onProgress);
  const checks = checksOf(options.level);
  const waiting = [...databases];
  const all: Timed[] = [];
  const places = new SessionPlaces(options.concurrency);
  const next = async (): Promise<void> => {
    if (!places.take()) return;
    for (let database = waiting.shift(); database !== undefined; database = waiting.shift()) {
      all.push(...(await lookAt(copy, database, { ...options, checks, progress, places })));
    }
    // from now on for further sessions of a database that takes longer
    places.give();
  };
  await Promise.all(Array.from({ length: Math.min(options.concurrency, databases.length) }, next));
  return checks.map((check) => {
    const own = all.filter((timed) => timed.check === check);
    const answer = mergeSeen(
      check,
      own.map(({ seen }) => seen),
    );
    return checkOf(
      check.name,
      answer,
      own.reduce((sum, { seconds }) => sum + seconds, 0),
    );
  });
}

/**
 * Indexes before heaps. A look at an index marks what transactions wrote that never ended, as any reader would sooner or later,
 * and some rows are lost by that: PostgreSQL (15 to 18) switches to the new file of a mapped catalog, whose TOAST rows VACUUM
 * FULL has written anew, in a record before its commit. A copy that ends between the two reads those rows until they are
 * marked; heaps that were looked at first would be found whole.
 */
function checksOf(level: DatabasesCheck['level']): DatabaseCheck[] {
  const always = [libraryCheck, fileCheck, indexCheck, heapCheck];
  return level === 'full' ? [...always, contentCheck] : always;
}

interface Circumstances extends DatabasesCheck {
  readonly checks: readonly DatabaseCheck[];
  readonly progress: BytesSeen;
  readonly places: SessionPlaces;
}

async function lookAt(
  copy: RunningCopy,
  database: CopiedDatabase,
  circumstances: Circumstances,
): Promise<Timed[]> {
  try {
    await using session = await openCopySession(copy, database.name, circumstances.signal);
    const look = await prepare(copy, database, { session, ...circumstances });
    const all: Timed[] = [];
    for (const check of circumstances.checks) all.push(await timed(check, look, circumstances.clock));
    return all;
  } catch (error) {
    if (!(error instanceof CopyFailure)) throw error;
    const seen = unopened(database.name, error);
    return circumstances.checks.map((check) => ({ check, seen, seconds: 0 }));
  }
}

async function prepare(
  copy: RunningCopy,
  { name, otherCollation }: CopiedDatabase,
  circumstances: Circumstances & { readonly session: CopySession },
): Promise<DatabaseLook> {
  const { session, level, progress, checks, touchedSince, places, signal } = circumstances;
  await disableEventTriggers(session);
  const own = { session, amcheck: await loadAmcheck(session, copy.major) };
  const sessions = new DatabaseSessions(own, places, () => openDatabaseSession(copy, name, signal));
  const relations = await readRelations(session, otherCollation);
  // heaps and indexes once, tables twice where their contents are read too
  const passes = checks.includes(contentCheck) ? 2 : 1;
  progress.expect(relations.reduce((sum, { bytes, kind }) => sum + bytes * (kind === 'r' ? passes : 1), 0));
  const seen = (relation: { readonly bytes: number }): void => progress.saw(relation.bytes);
  const { dataDirectory } = copy;
  const files = relations.map(({ file }) => file);
  const touched = await touchedRelations(dataDirectory, files, touchedSince);
  const isUnchanged: DatabaseLook['isUnchanged'] = ({ file, otherFile }) =>
    !touched.has(file) && (otherFile === undefined || !touched.has(otherFile));
  return { database: name, sessions, dataDirectory, relations, level, isUnchanged, seen };
}

async function openDatabaseSession(
  copy: RunningCopy,
  database: string,
  signal: AbortSignal,
): Promise<DatabaseSession> {
  const session = await openCopySession(copy, database, signal);
  try {
    return { session, amcheck: await loadAmcheck(session, copy.major) };
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

async function timed(check: DatabaseCheck, look: DatabaseLook, clock: Clock): Promise<Timed> {
  const began = clock.monotonic();
  const seen = await check.look(look);
  return { check, seen, seconds: (clock.monotonic() - began) / 1000 };
}

function unopened(database: string, { message, lacking }: CopyFailure): Seen {
  if (lacking !== undefined) {
    const exceptions = [`database ${database} was not checked: ${lacking}`];
    return { counts: {}, findings: [], exceptions };
  }
  return { counts: {}, findings: [copyFinding(`database ${database}: ${message}`)], exceptions: [] };
}

class BytesSeen {
  readonly #tell: DatabasesCheck['onProgress'];
  #done = 0;
  #total = 0;

  constructor(tell: DatabasesCheck['onProgress']) {
    this.#tell = tell;
  }

  expect(bytes: number): void {
    this.#total += bytes;
  }

  saw(bytes: number): void {
    this.#done += bytes;
    this.#tell(this.#done, Math.max(this.#total, this.#done));
  }
}
