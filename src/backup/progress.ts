import type { Clock } from '../clock.ts';

/** How far a backup is. Bytes are the server's, uncompressed. */
export interface BackupProgress {
  readonly phase: 'connecting' | 'checkpoint' | 'copying' | 'committing';
  readonly doneBytes: number;
  /** The server's estimate; `undefined` until it is known. */
  readonly totalBytes: number | undefined;
  readonly storedBytes: number;
}

export type ReportProgress = (progress: BackupProgress) => void;

const INTERVAL_MS = 200;

/** A report that passes on the first call, then at most five a second. */
export function throttle(report: ReportProgress, clock: Clock): ReportProgress {
  let last = Number.NEGATIVE_INFINITY;
  return (progress) => {
    const now = clock.monotonic();
    if (now - last < INTERVAL_MS) return;
    last = now;
    report(progress);
  };
}
