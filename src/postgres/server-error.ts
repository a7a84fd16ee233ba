import { LarderError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';

/** An ErrorResponse of the server, whoever parsed it: `pg`'s DatabaseError has this shape, and so has our own codec's. */
export interface ServerErrorFields {
  readonly severity?: string | undefined;
  /** SQLSTATE, five characters. */
  readonly code?: string | undefined;
  readonly message: string;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
}

/** SQLSTATE, or its class of two characters, to our code; all others are SERVER_ERROR. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  '08': 'CONNECTION_LOST',
  '28': 'SERVER_REFUSED_LOGIN',
  '42501': 'SERVER_NOT_PRIVILEGED',
  '53300': 'SERVER_NO_SEAT',
  '57P01': 'CONNECTION_LOST',
  '57P02': 'CONNECTION_LOST',
  '57P03': 'SERVER_UNREACHABLE',
  '57P05': 'CONNECTION_LOST',
};

/**
 * What went wrong while `what` (a gerund: "reading the settings") as a LarderError. The server's severity, SQLSTATE,
 * message and detail stand in the message, its hint in the hint, the original in the cause. An error that is not the
 * server's comes from a broken connection: CONNECTION_LOST. A LarderError is returned as it is.
 */
export function serverError(error: unknown, what: string): LarderError {
  if (error instanceof LarderError) return error;
  if (!isServerError(error)) {
    const message = error instanceof Error ? error.message : String(error);
    return new LarderError('CONNECTION_LOST', `${what} failed: ${message}`, { cause: error });
  }
  const code = CODES[error.code] ?? CODES[error.code.slice(0, 2)] ?? 'SERVER_ERROR';
  return new LarderError(code, `${what} failed: ${serverErrorText(error)}`, {
    ...(error.hint ? { hint: error.hint } : {}),
    cause: error,
  });
}

/** `ERROR 42501: permission denied …; detail`, as one line. */
export function serverErrorText(error: ServerErrorFields): string {
  const detail = error.detail ? `; ${error.detail}` : '';
  const text = `${error.severity ?? 'ERROR'} ${error.code ?? '?????'}: ${error.message}${detail}`;
  return text.replaceAll(/\s*\n\s*/g, ' ');
}

/** The SQLSTATE of a server's error, also when it is the cause of a LarderError. */
export function sqlState(error: unknown): string | undefined {
  if (error instanceof LarderError) return sqlState(error.cause);
  return isServerError(error) ? error.code : undefined;
}

function isServerError(error: unknown): error is ServerErrorFields & { readonly code: string } {
  if (typeof error !== 'object' || error === null) return false;
  if (!('code' in error) || !('message' in error) || !('severity' in error)) return false;
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code);
}
