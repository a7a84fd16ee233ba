/**
 * Every error a user can meet, in one table: the process's exit code, and whether trying the same again later can help.
 *
 * Codes are stable: scripts, history and metrics refer to them. Exit codes are documented in README.md, "Exit codes".
 */
const ERRORS = {
  // What was asked is not understood, or not built: exit 2.
  USAGE: { exit: 2, retryable: false },
  CONFIG_INVALID: { exit: 2, retryable: false },
  NOT_BUILT_YET: { exit: 2, retryable: false },
  CLUSTER_UNKNOWN: { exit: 2, retryable: false },
  RUN_UNKNOWN: { exit: 2, retryable: false },
  RUN_OVER: { exit: 2, retryable: false },
  SERVICE_UNREACHABLE: { exit: 2, retryable: true },
  STATE_NOT_WRITABLE: { exit: 2, retryable: true },
  ADDRESS_IN_USE: { exit: 2, retryable: true },

  // The server to protect: exit 3.
  SERVER_UNREACHABLE: { exit: 3, retryable: true },
  SERVER_REFUSED_LOGIN: { exit: 3, retryable: false },
  SERVER_TLS: { exit: 3, retryable: false },
  SERVER_NOT_PRIVILEGED: { exit: 3, retryable: false },
  SERVER_NO_SEAT: { exit: 3, retryable: true },
  SERVER_TOO_OLD: { exit: 3, retryable: false },
  SERVER_SETTING: { exit: 3, retryable: false },
  SERVER_PROMOTED: { exit: 3, retryable: true },
  SERVER_ERROR: { exit: 3, retryable: true },
  CONNECTION_LOST: { exit: 3, retryable: true },
  PROTOCOL_VIOLATION: { exit: 3, retryable: false },
  BACKUP_INCOMPLETE: { exit: 3, retryable: true },
  SLOT_GIVEN_UP: { exit: 3, retryable: true },
  INCREMENTAL_REFUSED: { exit: 3, retryable: true },
  CHANGES_UNCERTAIN: { exit: 3, retryable: true },

  // The repository: exit 4.
  REPOSITORY_UNREACHABLE: { exit: 4, retryable: true },
  REPOSITORY_NOT_WRITABLE: { exit: 4, retryable: false },
  REPOSITORY_FULL: { exit: 4, retryable: true },
  REPOSITORY_MISSING: { exit: 4, retryable: false },
  REPOSITORY_DAMAGED: { exit: 4, retryable: false },
  REPOSITORY_NEWER_FORMAT: { exit: 4, retryable: false },
  REPOSITORY_OTHER_CLUSTER: { exit: 4, retryable: false },
  BACKUP_UNKNOWN: { exit: 4, retryable: false },
  OBJECT_MISSING: { exit: 4, retryable: false },
  OBJECT_EXISTS: { exit: 4, retryable: false },
  OBJECT_DAMAGED: { exit: 4, retryable: false },

  // Somebody else is writing: exit 5.
  LEASE_HELD: { exit: 5, retryable: true },
  LEASE_LOST: { exit: 5, retryable: true },

  // A restore that cannot or must not go on: exit 6.
  RESTORE_REFUSED: { exit: 6, retryable: false },
  RESTORE_FAILED: { exit: 6, retryable: true },
  INSTANCE_FAILED: { exit: 6, retryable: false },

  // The proof failed: exit 7. The source itself is damaged: exit 8.
  VERIFICATION_FAILED: { exit: 7, retryable: false },
  WAL_GAP: { exit: 7, retryable: false },
  OBJECTIVE_MISSED: { exit: 7, retryable: false },
  SOURCE_CORRUPT: { exit: 8, retryable: false },

  // Nothing more is removed, since it would not be safe: exit 10.
  CLOCK_SKEWED: { exit: 10, retryable: true },
  BACKUP_FAILING: { exit: 10, retryable: true },
  RETENTION_REFUSED: { exit: 10, retryable: true },

  // Ended from outside.
  TIMED_OUT: { exit: 9, retryable: true },
  INTERRUPTED: { exit: 130, retryable: true },

  // A fault of ours.
  INTERNAL: { exit: 1, retryable: false },
} as const satisfies Record<string, { exit: number; retryable: boolean }>;

export type ErrorCode = keyof typeof ERRORS;

/** Whether a text that came from elsewhere is one of the codes. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}

export interface ErrorOptions {
  /** What the reader should do, as one sentence; may hold SQL or a command to copy. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * An error with a stable code. The message says what happened to what, in lower case without a full stop; it never
 * holds a secret. Return errors upward; log once, at the top.
 */
export class LarderError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'LarderError';
    this.code = code;
    this.hint = options.hint;
  }

  /** Whether the same request can succeed later without anybody changing anything. */
  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  /** The process's exit code when this error ends a command. */
  get exitCode(): number {
    return ERRORS[this.code].exit;
  }
}

/** Anything thrown, as a LarderError: foreign errors become INTERNAL with their text and cause kept. */
export function toLarderError(thrown: unknown): LarderError {
  if (thrown instanceof LarderError) return thrown;
  if (Error.isError(thrown) && thrown.name === 'AbortError') {
    // abort(reason) of ours carries a LarderError; a bare abort means somebody asked to stop
    if (thrown.cause instanceof LarderError) return thrown.cause;
    return new LarderError('INTERRUPTED', 'the run was interrupted', { cause: thrown });
  }
  const message = Error.isError(thrown) ? thrown.message : String(thrown);
  return new LarderError('INTERNAL', message, { cause: thrown });
}

/**
 * The `code` of a Node.js system error (ENOENT, ENOSPC, …), if it has one. Asks `Error.isError`, since `instanceof` says
 * no to the errors of another realm, which is where `node:` modules live under jest.
 */
export function systemErrorCode(thrown: unknown): string | undefined {
  if (Error.isError(thrown) && 'code' in thrown && typeof thrown.code === 'string') return thrown.code;
  return undefined;
}
