import type { Clock } from '../../clock.ts';
import { LarderError } from '../../errors.ts';
import { openInstanceSession } from './instance-session.ts';

export interface Readiness {
  readonly connection: string;
  readonly isRunning: () => boolean;
  /** On the clock's monotonic scale. */
  readonly deadline: number;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

const POLL_INTERVAL = 50;
const CONNECT_TIMEOUT = 5000;

/**
 * Tries to log in until it works, the server ends or the deadline passes. A server that answers but refuses the login
 * for good is an INSTANCE_FAILED at once.
 */
export async function waitUntilAnswering(readiness: Readiness): Promise<'answering' | 'ended' | 'silent'> {
  const { connection, clock, signal } = readiness;
  while (clock.monotonic() < readiness.deadline) {
    if (!readiness.isRunning()) return 'ended';
    try {
      const session = await openInstanceSession(connection, undefined, CONNECT_TIMEOUT);
      await session.close();
      return 'answering';
    } catch (error) {
      if (isFinalRefusal(error)) {
        throw new LarderError('INSTANCE_FAILED', `the instance refuses its superuser: ${error.message}`, {
          hint: 'The role must exist and pg_hba.conf must trust it on local connections.',
          cause: error,
        });
      }
    }
    await clock.sleep(POLL_INTERVAL, signal);
  }
  return readiness.isRunning() ? 'silent' : 'ended';
}

/** SQLSTATE 28xxx and 3D000 stay as they are; 57P03 (starting up), 53300 and connection errors pass. */
function isFinalRefusal(error: unknown): error is Error {
  if (!Error.isError(error) || !('code' in error)) return false;
  return /^28|^3D000$/.test(String(error.code));
}
