import { LarderError } from '../../errors.ts';
import { openInstanceSession, type InstanceSession } from '../../postgres/server/instance-session.ts';
import { isHostFailure, missingLibrary, missingLocale } from './host-failure.ts';
import type { RunningCopy } from './start-copy.ts';

/** Answers of a copy's server; what it cannot be asked is told apart. */
export interface CopySession {
  /**
   * @throws CopyFailure what the server said against it
   * @throws LarderError INSTANCE_FAILED this host's failures; the signal's reason
   */
  query(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The server of a copy said no. `lacking`: what this host would need to have, in words; then nothing is wrong with the copy. */
export class CopyFailure extends Error {
  readonly lacking: string | undefined;
  /** The server is gone: nothing more can be asked. */
  readonly isOver: boolean;

  constructor(message: string, lacking: string | undefined, isOver: boolean) {
    super(message);
    this.name = 'CopyFailure';
    this.lacking = lacking;
    this.isOver = isOver;
  }
}

/** Logs in to a database of the copy. Throws as `CopySession.query`. */
export async function openCopySession(
  copy: RunningCopy,
  database: string,
  signal: AbortSignal,
): Promise<CopySession> {
  const session = await answered(copy, signal, () => openInstanceSession(copy.connection, database));
  return {
    query: (text, values) => answered(copy, signal, () => session.query(text, values), session),
    [Symbol.asyncDispose]: () => session.close(),
  };
}

async function answered<T>(
  copy: RunningCopy,
  signal: AbortSignal,
  ask: () => Promise<T>,
  session?: InstanceSession,
): Promise<T> {
  signal.throwIfAborted();
  // an index of hours is not waited for: without its session the query is nobody's
  const giveUp = (): void => void session?.close();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await ask();
  } catch (error) {
    signal.throwIfAborted();
    throw failureOf(copy, error);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

function failureOf(copy: RunningCopy, error: unknown): Error {
  const message = Error.isError(error) ? error.message : String(error);
  if (isHostFailure(message))
    return new LarderError('INSTANCE_FAILED', `this host could not check the copy: ${message}`, {
      cause: error,
    });
  const hasCode = Error.isError(error) && 'code' in error && /^[0-9A-Z]{5}$/.test(String(error.code));
  return new CopyFailure(message, lackingIn(message), !hasCode || !copy.isRunning());
}

function lackingIn(message: string): string | undefined {
  const library = missingLibrary(message);
  if (library !== undefined) return `the library ${library} is not installed here`;
  const locale = missingLocale(message);
  return locale === undefined ? undefined : `the locale ${locale} is not installed here`;
}
