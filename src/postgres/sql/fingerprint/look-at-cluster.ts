import type { Clock } from '../../../clock.ts';
import { toLarderError } from '../../../errors.ts';
import type { Lsn } from '../../lsn.ts';
import type { Session } from '../session.ts';
import { makeCareful } from './careful-session.ts';
import { lookIntoDatabase, type ChooseTables } from './look-into-database.ts';
import type { ClusterLook, DatabaseLook } from './look.ts';
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
}

/**
 * Looks at all of a cluster that the role may see, over one connection at a time. What cannot be looked at is in the answer,
 * with the reason.
 * @throws LarderError when not even the databases can be listed; the signal's reason
 */
export async function lookAtCluster(request: LookRequest): Promise<ClusterLook> {
  const { clock, stay = Number.POSITIVE_INFINITY } = request;
  const until = clock.monotonic() + request.limit;
  const { listed, ...beginning } = await visit(request, request.database, until, (session) =>
    readBeginning(session, request.settledBefore),
  );
  const databases: DatabaseLook[] = [];
  let { reached } = beginning;
  for (const [index, database] of listed.entries()) {
    const share = (until - clock.monotonic()) / (listed.length - index);
    const question = { ...beginning, stay: Math.min(share, stay) };
    const looked = await lookInto(request, database, { until, ...question });
    databases.push(looked.database);
    reached = looked.reached ?? reached;
  }
  const { settledBefore, activity, server } = beginning;
  return { settledBefore, activity, server, reached, databases };
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

async function lookInto(
  request: LookRequest,
  { open, ...facts }: ListedDatabase,
  { until, ...question }: CountQuestion & { readonly until: number; readonly stay: number },
): Promise<{ readonly database: DatabaseLook; readonly reached?: Lsn }> {
  const { clock, signal, chooseTables } = request;
  const closed = whyClosed(facts.name, { open, template: facts.template });
  const without = (why: string) => ({ database: { ...facts, notLookedAt: why, objects: [] } });
  if (closed !== undefined) return without(closed);
  try {
    return await visit(request, facts.name, until, async (session) => {
      const objects = await lookIntoDatabase(session, facts, { ...question, clock, chooseTables });
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
