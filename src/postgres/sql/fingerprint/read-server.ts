import type { Session } from '../session.ts';
import { hexOf, nameFromHex } from './bytes-of.ts';
import type { ClusterLook, CollationLibrary, DatabaseFacts, ServerFacts } from './look.ts';
import { parseLsn, type Lsn } from '../../lsn.ts';
import { isFirm, xids, type CountQuestion } from './transactions.ts';

const PROVIDERS: Readonly<Record<string, CollationLibrary['provider']>> = {
  c: 'libc',
  i: 'icu',
  b: 'builtin',
};

/** Where the cluster stands in the order of its transactions. Throws as `Session.rows`. */
export async function readActivity(
  session: Session,
): Promise<{ readonly oldest: bigint; readonly activity: ClusterLook['activity'] }> {
  // in this order: who ends between the two questions is seen by the snapshot
  const writing = await readWriting(session);
  return readSnapshot(session, writing);
}

/**
 * Whether a transaction that writes has not ended: it holds a lock on its own id until every snapshot sees its end. Prepared
 * ones do too.
 */
function readWriting(session: Session): Promise<boolean> {
  const text = `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock') AS writing`;
  return session.row({ text, what: 'asking who writes' }, (row) => row.boolean('writing'));
}

function readSnapshot(
  session: Session,
  writing: boolean,
): Promise<{ readonly oldest: bigint; readonly activity: ClusterLook['activity'] }> {
  const text = `SELECT pg_snapshot_xmin(s)::text AS oldest, pg_snapshot_xmax(s)::text AS next
    FROM pg_current_snapshot() AS s`;
  return session.row({ text, what: 'reading the present transaction' }, (row) => {
    const [oldest, next] = [BigInt(row.text('oldest')), BigInt(row.text('next'))];
    return { oldest, activity: { next, idle: oldest === next, writing } };
  });
}

/** How far the log is; on a standby, how far it is replayed. Throws as `Session.rows`. */
export function readReached(session: Session): Promise<Lsn> {
  const text = `SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
    ELSE pg_current_wal_insert_lsn() END AS lsn`;
  return session.row({ text, what: 'asking how far the log is' }, (row) => parseLsn(row.text('lsn')) ?? 0n);
}

/** Throws as `Session.rows`. */
export async function readServer(session: Session): Promise<ServerFacts> {
  const text = `SELECT current_setting('server_version_num') AS version, current_setting('data_checksums', true) AS checksums`;
  const facts = await session.row({ text, what: "reading the server's version" }, (row) => ({
    versionNumber: row.integer('version'),
    dataChecksums: row.optionalText('checksums') === undefined ? null : row.text('checksums') === 'on',
  }));
  return { ...facts, collations: await readLibraries(session) };
}

/** One collation of each library says which version of it there is; asking all of them opens hundreds of locales. */
async function readLibraries(session: Session): Promise<readonly CollationLibrary[]> {
  const text = `SELECT provider, version FROM (
      SELECT DISTINCT ON (collprovider) collprovider::text AS provider, pg_collation_actual_version(oid) AS version
      FROM pg_collation WHERE collversion IS NOT NULL ORDER BY collprovider, oid) AS one
    WHERE version IS NOT NULL`;
  const rows = await session.rows({ text, what: 'reading the versions of collations' }, (row) => ({
    provider: PROVIDERS[row.text('provider')],
    version: row.text('version'),
  }));
  return rows.flatMap(({ provider, version }) => (provider === undefined ? [] : [{ provider, version }]));
}

/** A database as the cluster lists it, and whether it lets anybody in. */
export interface ListedDatabase extends DatabaseFacts {
  readonly settled: boolean;
  readonly firm: boolean;
  readonly open: boolean;
}

/** Throws as `Session.rows`. */
export function listDatabases(session: Session, question: CountQuestion): Promise<readonly ListedDatabase[]> {
  // the name of the column with the locale differs between versions
  const text = `SELECT oid, ${hexOf('datname')} AS name, pg_encoding_to_char(encoding) AS encoding,
      datcollate::text AS "collate", datctype::text AS ctype, datlocprovider::text AS provider,
      coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') AS locale,
      datcollversion AS version, pg_database_collation_actual_version(oid) AS actual, datistemplate AS template, datallowconn AND datconnlimit <> -2 AS open, age(d.xmin) > age($1::xid) AS settled, ${isFirm('d')} AS firm
    FROM pg_database AS d ORDER BY oid`;
  const query = { text, values: xids(question), what: 'listing the databases' };
  return session.rows(query, (row) => ({
    oid: row.integer('oid'),
    name: nameFromHex(row.text('name')),
    encoding: row.text('encoding'),
    collate: row.text('collate'),
    ctype: row.text('ctype'),
    locale: row.optionalText('locale') ?? null,
    provider: PROVIDERS[row.text('provider')] ?? 'libc',
    collationVersion: row.optionalText('version') ?? null,
    actualCollationVersion: row.optionalText('actual') ?? null,
    template: row.boolean('template'),
    open: row.boolean('open'),
    settled: row.boolean('settled'),
    firm: row.boolean('firm'),
  }));
}
