import type { LarderError } from '../../errors.ts';
import { quoteIdentifier } from '../sql/quote.ts';
import type { ServerFacts } from '../sql/server-facts.ts';
import { majorOf, NEWEST_TESTED_MAJOR, OLDEST_MAJOR } from '../version.ts';
import { fileRows } from './files.ts';
import type { PreflightRow } from './row.ts';
import { seatRows } from './seats.ts';
import { settingRows } from './settings.ts';

/** A clock further off makes the times of backups and of restore targets misleading. */
const CLOCK_SKEW_LIMIT_MS = 5000;

/** Judges a server by what it says of itself. What its version does not have gives no row. */
export function assessServer(facts: ServerFacts): readonly PreflightRow[] {
  return [
    { name: 'connection', state: 'ok', found: `logged in as ${facts.role.name}` },
    versionRow(facts),
    roleRow(facts),
    ...settingRows(facts),
    ...seatRows(facts),
    ...fileRows(facts),
    clockRow(facts),
  ];
}

/** The row, and the only one, when no connection could be opened. */
export function connectionRow(error: LarderError): PreflightRow {
  const row = { name: 'connection', state: 'error', found: error.message } as const;
  return error.hint === undefined ? row : { ...row, mend: error.hint };
}

function versionRow(facts: ServerFacts): PreflightRow {
  const major = majorOf(facts.versionNumber);
  const row = { name: 'server version', found: `${facts.version}${facts.inRecovery ? ', a standby' : ''}` };
  if (major < OLDEST_MAJOR) {
    return { ...row, state: 'error', mend: `upgrade the server to PostgreSQL ${OLDEST_MAJOR} or newer` };
  }
  if (major > NEWEST_TESTED_MAJOR) {
    return { ...row, state: 'warning', mend: `use a Larder that is tested with PostgreSQL ${major}` };
  }
  return { ...row, state: 'ok' };
}

function roleRow(facts: ServerFacts): PreflightRow {
  const { name, superuser, replication } = facts.role;
  const role = quoteIdentifier(name);
  if (superuser) {
    return {
      name: 'role',
      state: 'warning',
      found: `${name} is a superuser, which backups do not need`,
      mend: "CREATE ROLE larder LOGIN REPLICATION PASSWORD '…'; GRANT pg_read_all_settings, pg_read_all_stats TO larder;",
    };
  }
  if (replication) return { name: 'role', state: 'ok', found: `${name} has REPLICATION` };
  return {
    name: 'role',
    state: 'error',
    found: `${name} lacks REPLICATION`,
    mend: `ALTER ROLE ${role} REPLICATION;`,
  };
}

function clockRow(facts: ServerFacts): PreflightRow {
  const seconds = (Math.abs(facts.clockSkew) / 1000).toFixed(1);
  const found = `the server's clock is ${seconds} s ${facts.clockSkew < 0 ? 'behind' : 'ahead of'} this host's`;
  if (Math.abs(facts.clockSkew) <= CLOCK_SKEW_LIMIT_MS) return { name: 'clock', state: 'ok', found };
  return { name: 'clock', state: 'warning', found, mend: 'timedatectl set-ntp true' };
}
