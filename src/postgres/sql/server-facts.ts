import type { Clock } from '../../clock.ts';
import type { Session } from './session.ts';

/**
 * What a server says of itself. `undefined` means that this role may not know or this version does not have it; it
 * never means "none".
 */
export interface ServerFacts {
  /** `server_version_num`: 180004 is 18.4. */
  readonly versionNumber: number;
  readonly version: string;
  /** A 64-bit number in decimal. */
  readonly systemIdentifier: string | undefined;
  /** Of the last checkpoint. */
  readonly timeline: number | undefined;
  /** Whether it is a standby, or recovers. */
  readonly inRecovery: boolean;
  /** The server's clock minus ours, milliseconds; half the round trip is its error. */
  readonly clockSkew: number;
  readonly role: RoleFacts;
  /** By name, in the unit of `pg_settings`; a setting that is not visible is missing. */
  readonly settings: ReadonlyMap<string, string>;
  readonly replicationSlots: number;
  /** Streams in use, ours included. */
  readonly walSenders: number;
  readonly tablespaces: readonly Tablespace[];
  readonly databases: readonly DatabaseFacts[];
  /** Bytes of all databases; `undefined` when one of them is not known. */
  readonly size: number | undefined;
}

/** The part that costs next to nothing to ask for. */
export type ServerVitals = Pick<
  ServerFacts,
  'versionNumber' | 'version' | 'inRecovery' | 'systemIdentifier' | 'timeline' | 'clockSkew'
>;

export interface RoleFacts {
  readonly name: string;
  readonly superuser: boolean;
  readonly replication: boolean;
}

/** A tablespace outside the data directory. */
export interface Tablespace {
  readonly oid: number;
  readonly name: string;
  readonly location: string;
}

export interface DatabaseFacts {
  readonly name: string;
  /** Bytes; needs CONNECT on the database, or pg_read_all_stats. */
  readonly size: number | undefined;
}

/** The settings a backup depends on, or that tell where files lie. */
const SETTINGS = [
  'archive_mode',
  'block_size',
  'config_file',
  'data_checksums',
  'data_directory',
  'fsync',
  'full_page_writes',
  'hba_file',
  'ident_file',
  'idle_replication_slot_timeout',
  'max_replication_slots',
  'max_slot_wal_keep_size',
  'max_wal_senders',
  'segment_size',
  'server_encoding',
  'summarize_wal',
  'wal_level',
  'wal_segment_size',
  'wal_summary_keep_time',
] as const;

/** Asks everything a preflight and a commit record need, on PostgreSQL 15 to 18. Throws as `Session.rows`. */
export async function readServerFacts(session: Session, clock: Clock): Promise<ServerFacts> {
  const databases = await readDatabases(session);
  const sizes = databases.map((database) => database.size);
  return {
    ...(await readServerVitals(session, clock)),
    role: await readRole(session),
    settings: await readSettings(session),
    ...(await readSeats(session)),
    tablespaces: await readTablespaces(session),
    databases,
    size: sizes.reduce((sum, size) => (sum === undefined || size === undefined ? undefined : sum + size), 0),
  };
}

/** Asks who the server is and what time it has. Throws as `Session.rows`. */
export async function readServerVitals(session: Session, clock: Clock): Promise<ServerVitals> {
  return {
    ...(await readVersion(session)),
    systemIdentifier: await readSystemIdentifier(session),
    timeline: await readTimeline(session),
    clockSkew: await measureClockSkew(session, clock),
  };
}

function readVersion(
  session: Session,
): Promise<Pick<ServerFacts, 'versionNumber' | 'version' | 'inRecovery'>> {
  const text = `SELECT current_setting('server_version_num') AS number, current_setting('server_version') AS version,
    pg_is_in_recovery() AS recovery`;
  return session.row({ text, what: "reading the server's version" }, (row) => ({
    versionNumber: row.integer('number'),
    version: row.text('version'),
    inRecovery: row.boolean('recovery'),
  }));
}

function readSystemIdentifier(session: Session): Promise<string | undefined> {
  const query = {
    text: 'SELECT system_identifier AS id FROM pg_control_system()',
    what: 'reading the system identifier',
  };
  return session.ifKnowable(() => session.row(query, (row) => row.text('id')));
}

function readTimeline(session: Session): Promise<number | undefined> {
  const query = { text: 'SELECT timeline_id FROM pg_control_checkpoint()', what: 'reading the timeline' };
  return session.ifKnowable(() => session.row(query, (row) => row.integer('timeline_id')));
}

async function measureClockSkew(session: Session, clock: Clock): Promise<number> {
  const text = 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS time';
  const before = clock.now();
  const theirs = await session.row({ text, what: "reading the server's clock" }, (row) =>
    row.integer('time'),
  );
  return Math.round(theirs - (before + clock.now()) / 2);
}

function readRole(session: Session): Promise<RoleFacts> {
  const text = 'SELECT rolname, rolsuper, rolreplication FROM pg_roles WHERE rolname = current_user';
  return session.row({ text, what: "reading the role's attributes" }, (row) => ({
    name: row.text('rolname'),
    superuser: row.boolean('rolsuper'),
    replication: row.boolean('rolreplication'),
  }));
}

/** A view, so that settings this role may not see, or this version does not have, are missing and not errors. */
async function readSettings(session: Session): Promise<ReadonlyMap<string, string>> {
  const query = {
    text: `SELECT name, setting FROM pg_settings WHERE name = ANY (string_to_array($1, ','))`,
    values: [SETTINGS.join(',')],
    what: 'reading the settings',
  };
  return new Map(await session.rows(query, (row) => [row.text('name'), row.text('setting')] as const));
}

/** Every role sees every row of both views, with some columns empty. */
function readSeats(session: Session): Promise<Pick<ServerFacts, 'replicationSlots' | 'walSenders'>> {
  const text = `SELECT (SELECT count(*) FROM pg_replication_slots) AS slots,
    (SELECT count(*) FROM pg_stat_replication) AS senders`;
  return session.row({ text, what: 'counting slots and walsenders' }, (row) => ({
    replicationSlots: row.integer('slots'),
    walSenders: row.integer('senders'),
  }));
}

function readTablespaces(session: Session): Promise<readonly Tablespace[]> {
  const text = `SELECT oid, spcname, pg_tablespace_location(oid) AS location FROM pg_tablespace
    WHERE spcname NOT IN ('pg_default', 'pg_global') ORDER BY spcname`;
  return session.rows({ text, what: 'listing the tablespaces' }, (row) => ({
    oid: row.integer('oid'),
    name: row.text('spcname'),
    location: row.text('location'),
  }));
}

function readDatabases(session: Session): Promise<readonly DatabaseFacts[]> {
  const text = `SELECT datname, CASE WHEN has_database_privilege(oid, 'CONNECT')
      OR pg_has_role('pg_read_all_stats', 'USAGE') THEN pg_database_size(oid) END AS size
    FROM pg_database ORDER BY datname`;
  return session.rows({ text, what: 'listing the databases' }, (row) => ({
    name: row.text('datname'),
    size: row.optionalInteger('size'),
  }));
}
