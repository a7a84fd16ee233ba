import { statfsSync } from 'node:fs';
import { type ErrorCode, LarderError, systemErrorCode } from '../../errors.ts';

/** What was being done when the system refused, for the message: "cannot `action` in `directory`". */
export interface Attempt {
  readonly directory: string;
  readonly action: string;
  readonly writing: boolean;
}

/** An error of the filesystem in Larder's words, with the system's own kept; a LarderError passes unchanged. */
export function filesystemFailure(error: unknown, attempt: Attempt): LarderError {
  if (error instanceof LarderError) return error;
  const { directory, action, writing } = attempt;
  const reason = Error.isError(error) ? error.message : String(error);
  const message = `cannot ${action} in ${directory}: ${reason}`;
  const code = codeOf(systemErrorCode(error), writing);
  if (code === 'REPOSITORY_FULL') {
    const hint = `make room in ${directory}: enlarge its filesystem or quota, or keep fewer backups`;
    return new LarderError(code, `${message}; ${freeBytes(directory)} bytes are free there`, {
      hint,
      cause: error,
    });
  }
  return new LarderError(code, message, { hint: hintOf(code, attempt), cause: error });
}

function codeOf(system: string | undefined, writing: boolean): ErrorCode {
  switch (system) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'REPOSITORY_FULL';
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
    case 'EEXIST':
      // the last two: a file stands where a directory has to be, which no retry changes
      return writing ? 'REPOSITORY_NOT_WRITABLE' : 'REPOSITORY_UNREACHABLE';
    default:
      return 'REPOSITORY_UNREACHABLE';
  }
}

function hintOf(code: ErrorCode, { directory, writing }: Attempt): string {
  if (code === 'REPOSITORY_NOT_WRITABLE') {
    const user = process.getuid?.();
    const who = user === undefined ? 'the user larder runs as' : `user id ${user}`;
    return `let ${who} write to ${directory}: check its owner and mode, and that it is a directory on a writable mount`;
  }
  const access = writing ? '' : ', and that the user larder runs as may read it';
  return `check that ${directory} is mounted and its disk healthy (kernel log)${access}, then try again`;
}

/** Bytes that we may still use on the filesystem of `directory`; a question mark when even that cannot be asked. */
function freeBytes(directory: string): string {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return String(bavail * bsize);
  } catch {
    return '?';
  }
}
