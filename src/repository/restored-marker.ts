import { randomUUID } from 'node:crypto';

/**
 * Lies in every data directory that Larder restored, and so in every backup of a server that runs on it. A copy can be on its
 * source's timeline, with the same positions in its log and other content behind them: by this file a backup knows that
 * what it was about to build on is of another history.
 */
export const RESTORED_MARKER = 'larder_restored';

/** Its content: no two restores write the same. */
export function restoredMarker(backupId: string, now: number): string {
  return `${JSON.stringify({ restore: randomUUID(), backup: backupId, time: new Date(now).toISOString() })}\n`;
}
