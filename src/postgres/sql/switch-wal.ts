import { LarderError } from '../../errors.ts';
import { parseLsn, type Lsn } from '../lsn.ts';
import { sqlState } from '../server-error.ts';
import { quoteIdentifier } from './quote.ts';
import type { Session } from './session.ts';

/**
 * Makes the server begin a new WAL segment, so that the present one is finished. Does nothing on a server that has written
 * nothing since the last switch.
 * @returns the end of what was written before the switch
 * @throws LarderError SERVER_NOT_PRIVILEGED with the GRANT that mends it
 */
export async function switchWal(session: Session, role: string): Promise<Lsn> {
  const text = 'SELECT pg_switch_wal() AS lsn';
  try {
    return await session.row({ text, what: 'switching the WAL segment' }, (row) => {
      const lsn = parseLsn(row.text('lsn'));
      if (lsn !== undefined) return lsn;
      throw new LarderError('PROTOCOL_VIOLATION', 'pg_switch_wal gave no position');
    });
  } catch (error) {
    if (sqlState(error) !== '42501') throw error;
    throw new LarderError('SERVER_NOT_PRIVILEGED', `the role ${role} may not switch WAL segments`, {
      hint: `Run in the database Larder connects to: GRANT EXECUTE ON FUNCTION pg_switch_wal() TO ${quoteIdentifier(role)};`,
      cause: error,
    });
  }
}
