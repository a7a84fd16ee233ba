import { LarderError } from '../errors.ts';
import type { ReceiverNotice } from './receiver-request.ts';

/** What to do about the WAL that the server keeps for us. */
export type Protection =
  | { readonly kind: 'fine' }
  /** The limit is passed and the history is to be kept: the server's disk may fill up. */
  | { readonly kind: 'warn'; readonly retained: number }
  /** The limit is passed and the server comes first: give the slot up, and the history with it. */
  | { readonly kind: 'drop-slot'; readonly retained: number };

/**
 * Applies the policy. Unknown is not "fine": where the server cannot say how much it keeps, nothing is decided, and the
 * caller shows it as unknown.
 * @param retained bytes the server keeps for our slot
 */
export function judgeRetention(
  retained: number | undefined,
  { protect, maxRetained }: { readonly protect: 'primary' | 'history'; readonly maxRetained: number },
): Protection {
  if (retained === undefined || retained <= maxRetained) return { kind: 'fine' };
  return { kind: protect === 'primary' ? 'drop-slot' : 'warn', retained };
}

interface RetentionLimit {
  readonly maxRetained: number;
}

/** The slot is given up for the server's sake. */
export function retentionError(retained: number, { maxRetained }: RetentionLimit): LarderError {
  return new LarderError(
    'SLOT_GIVEN_UP',
    `the server kept ${mebibytes(retained)} of WAL for Larder, more than the ${mebibytes(maxRetained)} it may (transaction-log.max-retained): the slot was dropped to protect the server`,
    {
      hint: 'WAL that the server removes now is lost, and recorded as a hole. Mend what held Larder up, then take a new full backup (larder backup).',
    },
  );
}

/** The history comes first: the slot stays, and the server's disk is somebody's to watch. */
export function retentionWarning(retained: number, { maxRetained }: RetentionLimit): ReceiverNotice {
  return {
    level: 'error',
    text: `the server keeps ${mebibytes(retained)} of WAL for Larder, more than the ${mebibytes(maxRetained)} of transaction-log.max-retained; protect: history keeps the slot`,
    hint: "Watch the free space of the server's pg_wal, and mend what holds Larder up.",
  };
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 ** 2)} MiB`;
}
