import type { ErrorCode, LarderError } from '../errors.ts';

/** One thing that is not as it should be, and where. */
export interface Finding {
  readonly code: ErrorCode;
  readonly message: string;
  /** The stored object concerned, where there is one. */
  readonly object?: string;
  /** The file of the cluster concerned, where there is one. */
  readonly file?: string;
}

/** What a verification read of the transaction log behind a backup. */
export interface LogReport {
  readonly timeline: number;
  /** The backup's own end. */
  readonly from: string;
  /** Where the log can be followed to without a hole. */
  readonly until: string;
  readonly segments: number;
  /** Of WAL, as it is without compression. */
  readonly bytes: number;
  /** Whether retention has removed the log behind `until`. */
  readonly removed: boolean;
}

/** What a verification looked at, and what it found. Good means: no findings, and everything was looked at. */
export interface VerifyReport {
  readonly backup: string;
  /** `objects`: stored bytes only; nothing was restored and started. */
  readonly level: 'objects';
  readonly findings: readonly Finding[];
  readonly checkedObjects: number;
  readonly checkedFrames: number;
  /** Files whose content equals the checksum in the server's own manifest. */
  readonly checkedFiles: number;
  /** Files of which the server sent changed blocks only: every frame of theirs is whole, and nobody has a checksum of all. */
  readonly mergedFiles: number;
  /** Bytes of file content read. */
  readonly bytes: number;
  /** The transaction log behind it; null when no WAL was ever received, or a finding says why nobody can tell. */
  readonly log: LogReport | null;
  readonly seconds: number;
}

/** Collects findings; of one object or file the first counts, the rest follow from it. */
export class Findings {
  readonly #findings: Finding[] = [];
  readonly #seen = new Set<string>();

  get all(): readonly Finding[] {
    return this.#findings;
  }

  add(finding: Finding): void {
    const key = `${finding.object ?? ''}\0${finding.file ?? ''}\0${finding.code}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#findings.push(finding);
  }

  /**
   * Takes damage and absence as findings. Everything else is no proof of either, and is thrown: a store that does not
   * answer has neither lost nor damaged anything.
   */
  addOrThrow(error: LarderError, where: { readonly object?: string; readonly file?: string } = {}): void {
    // one flipped bit in a header looks like a later release's: that the object is not what was stored says more
    if (error.code === 'REPOSITORY_NEWER_FORMAT' && this.#concerns(where.object)) return;
    const isFinding = error.code === 'OBJECT_DAMAGED' || error.code === 'OBJECT_MISSING';
    if (!isFinding) throw error;
    this.add({ code: error.code, message: error.message, ...where });
  }

  #concerns(object: string | undefined): boolean {
    return object !== undefined && this.#findings.some((finding) => finding.object === object);
  }
}
