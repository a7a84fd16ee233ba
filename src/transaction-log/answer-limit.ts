import type { Clock } from '../clock.ts';
import { LarderError } from '../errors.ts';

/** Milliseconds that the server's answers to a few commands may take, reading and writing the repository in between included. */
const ANSWER_LIMIT = 60_000;

/**
 * Does what waits for the server's answers on one connection. When it takes too long, or the signal asks for the end,
 * `hangUp` is aborted, which breaks the connection: on a dead one a command would wait for a quarter of an hour.
 * @throws LarderError what the work throws; the reason of `hangUp` when it was aborted
 */
export async function withinAnswerLimit<T>(
  work: () => Promise<T>,
  parts: { readonly clock: Clock; readonly hangUp: AbortController; readonly signal: AbortSignal },
): Promise<T> {
  const { clock, hangUp, signal } = parts;
  const answered = new AbortController();
  const late = clock.sleep(ANSWER_LIMIT, AbortSignal.any([answered.signal, signal])).then(
    () => hangUp.abort(silent()),
    () => (signal.aborted ? hangUp.abort(signal.reason) : undefined),
  );
  try {
    return await work();
  } finally {
    answered.abort();
    await late;
  }
}

function silent(): LarderError {
  return new LarderError('CONNECTION_LOST', `the server has not answered for ${ANSWER_LIMIT / 1000} s`);
}
