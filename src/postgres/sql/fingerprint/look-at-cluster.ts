import type { Clock } from '../../../clock.ts';
import { toLarderError } from '../../../errors.ts';
import type { Lsn } from '../../lsn.ts';
import type { Session } from '../session.ts';
import { makeCareful } from './careful-session.ts';
import { lookIntoDatabase, type ChooseTables } from './look-into-database.ts';
import { sawTheSame, type ClusterLook, type DatabaseLook } from './look.ts';
import type { CountQuestion } from './transactions.ts';
import { listDatabases, readActivity, readReached, readServer, type ListedDatabase } from './read-server.ts';

export interface LookRequest {
  /** Logs in to a database of the cluster. */
  readonly openDatabase: (database: string) => Promise<Session>;
  /** The database to begin with. */
  readonly database: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Milliseconds after which the look is over: what was not looked at by then is named as that. */
  readonly limit: number;
  /** Milliseconds of it that may be spent on counting in one database; undefined for no limit. */
  readonly stay: number | undefined;
  /** Of an earlier look that this one is to be compared with; undefined for now. */
  readonly settledBefore: bigint | undefined;
  readonly chooseTables: ChooseTables;
  /** A look that is taken for this one as well where nothing can have changed since: it need not be paid for twice. */
  readonly earlier?: ClusterLook | undefined;
}

/**
 * Looks at all of a cluster that the role may see, over one connection at a time. What cannot be looked at is in the answer,
 * with the reason.
 * @throws LarderError when not even the databases can be listed; the signal's reason
 */
export async function lookAtCluster(request: LookRequest): Promise<ClusterLook> {
  const until = request.clock.monotonic() + request.limit;
  const { listed, own, ...beginning } = await visit(request, request.database, until, (session) =>
    lookAround(request, session, until),
  );
  const { earlier } = request;
  if (earlier !== undefined && canRepeat(earlier, beginning))
    return { ...earlier, activity: beginning.activity, reached: beginning.reached };
  const looked: Looked[] = own === undefined ? [] : [own];
  for (const database of listed) {
    const enter: Enter = (look) => visit(request, database.name, until, look);
    const left = listed.length - looked.length;
    if (database.oid !== own?.database.oid)
      looked.push(await lookInto(request, database, { ...beginning, until, left, enter }));
  }
  const { settledBefore, activity, server } = beginning;
  const databases = looked.map(({ database }) => database).sort((one, other) => one.oid - other.oid);
  const reached = looked.findLast((each) => each.reached !== undefined)?.reached ?? beginning.reached;
  return { settledBefore, activity, server, reached, databases };
}

/**
 * Whether a second look would find what the first one did. Of a table that was not counted there are the server's statistics
 * only, which come late: those are asked twice.
 */
function canRepeat(earlier: ClusterLook, now: Pick<ClusterLook, 'activity'>): boolean {
  const objects = earlier.databases.flatMap((database) => database.objects);
  return sawTheSame(earlier, now) && objects.every(({ rows }) => typeof rows?.counted !== 'string');
}

/** What was found of one database; how far the log was behind it, where somebody could look. */
interface Looked {
  readonly database: DatabaseLook;
  readonly reached?: Lsn;
}

/** Does something in a session of one database. */
type Enter = <T>(look: (session: Session) => Promise<T>) => Promise<T>;

/** What concerns all databases, and the one of the session itself: a second session for that would cost as much again. */
async function lookAround(request: LookRequest, session: Session, until: number) {
  const beginning = await readBeginning(session, request.settledBefore);
  const { earlier, database } = request;
  const listed = beginning.listed.find(({ name }) => name === database);
  if (listed === undefined || (earlier !== undefined && canRepeat(earlier, beginning)))
    return { ...beginning, own: undefined };
  const left = beginning.listed.length;
  const enter: Enter = (look) => look(session);
  return { ...beginning, own: await lookInto(request, listed, { ...beginning, until, left, enter }) };
}

async function readBeginning(session: Session, compared: bigint | undefined) {
  const { oldest, activity } = await readActivity(session);
  const question = { settledBefore: compared ?? oldest, unendedFrom: oldest };
  return {
    ...question,
    activity,
    server: await readServer(session),
    listed: await listDatabases(session, question),
    reached: await readReached(session),
  };
}

interface LookInto extends CountQuestion {
  readonly until: number;
  /** Databases that are still to be looked into, with this one: each has its share of the time. */
  readonly left: number;
  readonly enter: Enter;
}

async function lookInto(
  request: LookRequest,
  { open, ...facts }: ListedDatabase,
  { until, left, enter, ...question }: LookInto,
): Promise<Looked> {
  const { clock, signal, chooseTables } = request;
  const stay = Math.min((until - clock.monotonic()) / left, request.stay ?? Number.POSITIVE_INFINITY);
  const closed = whyClosed(facts.name, { open, template: facts.template });
  const without = (why: string) => ({ database: { ...facts, notLookedAt: why, objects: [] } });
  if (closed !== undefined) return without(closed);
  try {
    return await enter(async (session) => {
      const objects = await lookIntoDatabase(session, facts, { ...question, stay, clock, chooseTables });
      return { database: { ...facts, notLookedAt: null, objects }, reached: await readReached(session) };
    });
  } catch (error) {
    signal.throwIfAborted();
    return without(clock.monotonic() < until ? toLarderError(error).message : 'there was no time for it');
  }
}

/** Who is in a template keeps others from copying it: CREATE DATABASE would fail. */
function whyClosed(
  name: string,
  { open, template }: { readonly open: boolean; readonly template: boolean },
): string | undefined {
  if (template) return 'it is a template, and whoever looks into one keeps databases from being made of it';
  if (!open) return 'it allows no connections';
  return name.isWellFormed() ? undefined : 'its name is no UTF-8, in which names are sent';
}

/** A session for one purpose, which ends with its time also where the server does not answer. */
async function visit<T>(
  { openDatabase, clock, signal }: LookRequest,
  database: string,
  until: number,
  look: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await openDatabase(database);
  const left = Math.max(1, until - clock.monotonic());
  const giveUp = (): void => session.drop();
  const timer = setTimeout(giveUp, left);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    signal.throwIfAborted();
    await makeCareful(session, left);
    return await look(session);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
    await session.close().catch(() => undefined);
  }
}
