import type { FingerprintAccess } from '../sql/fingerprint/read-access.ts';
import { quoteIdentifier } from '../sql/quote.ts';
import type { PreflightRow } from './row.ts';

/** What a proof will be able to tell of a restored copy, by what the role may look at while a backup is taken. */
export function fingerprintRow({ role, closed, readsTables }: FingerprintAccess): PreflightRow {
  const name = 'fingerprint';
  const quoted = quoteIdentifier(role);
  const [first] = closed;
  if (first !== undefined) {
    const names = closed.map(({ database }) => database).join(', ');
    const grants = closed
      .filter(({ granted }) => !granted)
      .map(({ database }) => `GRANT CONNECT ON DATABASE ${quoteIdentifier(database)} TO ${quoted};`);
    return {
      name,
      state: 'warning',
      found: `${role} cannot connect to ${names}: a proof cannot tell whether anything is missing there (${first.why})`,
      mend: [...grants, `a line in pg_hba.conf for ${role} and these databases`].join(' and '),
    };
  }
  if (readsTables) return { name, state: 'ok', found: 'definitions of all objects, and rows counted' };
  return {
    name,
    state: 'warning',
    found: `definitions of all objects, but ${role} may not count rows: a proof can only compare them with the server's statistics`,
    mend: `GRANT pg_read_all_data TO ${quoted};`,
  };
}
