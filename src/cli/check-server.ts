import type { Clock } from '../clock.ts';
import { LarderError, toLarderError, type ErrorCode } from '../errors.ts';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import { assessServer } from '../postgres/preflight/assess-server.ts';
import { fingerprintRow } from '../postgres/preflight/fingerprint.ts';
import type { PreflightRow } from '../postgres/preflight/row.ts';
import { ReplicationConnection } from '../postgres/replication/replication-connection.ts';
import { readFingerprintAccess, type FingerprintAccess } from '../postgres/sql/fingerprint/read-access.ts';
import { readServerFacts, type ServerFacts } from '../postgres/sql/server-facts.ts';
import { Session } from '../postgres/sql/session.ts';
import { majorOf } from '../postgres/version.ts';
import type { Lineage } from '../repository/repository.ts';
import { errorRow, type CheckRow } from './check-row.ts';

/** What a look at the server came to. */
export interface ServerCheck {
  readonly rows: readonly CheckRow[];
  /** `undefined` when no ordinary connection could be opened. */
  readonly facts: ServerFacts | undefined;
  /** `undefined` when no replication connection could be opened. */
  readonly lineage: Lineage | undefined;
}

const REPLICATION = 'replication connection';
/** Of the server's rows that are not about a setting. */
const CODES: Readonly<Partial<Record<string, ErrorCode>>> = {
  role: 'SERVER_NOT_PRIVILEGED',
  'server version': 'SERVER_TOO_OLD',
};

/** Looks at the server through both kinds of connection; what fails becomes a row. Throws the signal's reason. */
export async function checkServer(
  connection: ConnectionSettings,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<ServerCheck> {
  const facts = await attempt(signal, async () => {
    await using session = await Session.open(connection, signal);
    const openDatabase = (database: string): Promise<Session> =>
      Session.open({ ...connection, database }, signal);
    const access = await readFingerprintAccess(session, openDatabase);
    return { ...(await readServerFacts(session, clock)), access };
  });
  if (facts instanceof LarderError && facts.code === 'SERVER_UNREACHABLE') {
    return { rows: [errorRow('connection', facts)], facts: undefined, lineage: undefined };
  }
  const lineage = await attempt(signal, () => identify(connection, signal));
  return {
    rows: [...factRows(facts, lineage), replicationRow(lineage)],
    facts: facts instanceof LarderError ? undefined : facts,
    lineage: lineage instanceof LarderError ? undefined : lineage,
  };
}

async function identify(connection: ConnectionSettings, signal: AbortSignal): Promise<Lineage> {
  const replication = await ReplicationConnection.open(connection, signal);
  try {
    const { systemIdentifier } = await replication.identifySystem();
    return { systemIdentifier, major: majorOf(Number(await replication.show('server_version_num'))) };
  } finally {
    await replication.close();
  }
}

function factRows(
  facts: (ServerFacts & { readonly access: FingerprintAccess }) | LarderError,
  lineage: Lineage | LarderError,
): readonly CheckRow[] {
  if (!(facts instanceof LarderError))
    return [...assessServer(facts).map(withCode), fingerprintRow(facts.access)];
  const row = errorRow('connection', facts);
  // a backup needs replication alone
  return [lineage instanceof LarderError ? row : { ...row, state: 'warning' }];
}

function withCode(row: PreflightRow): CheckRow {
  return row.state === 'error' ? { ...row, code: CODES[row.name] ?? 'SERVER_SETTING' } : row;
}

function replicationRow(lineage: Lineage | LarderError): CheckRow {
  if (lineage instanceof LarderError) return errorRow(REPLICATION, lineage);
  const { major, systemIdentifier } = lineage;
  return { name: REPLICATION, state: 'ok', found: `PostgreSQL ${major}, system ${systemIdentifier}` };
}

async function attempt<T>(signal: AbortSignal, look: () => Promise<T>): Promise<T | LarderError> {
  try {
    return await look();
  } catch (error) {
    signal.throwIfAborted();
    return toLarderError(error);
  }
}
