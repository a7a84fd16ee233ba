import type { Lsn } from '../postgres/lsn.ts';

/** What the server said of itself: everything committed before `time` (its clock, ms since 1970 UTC) lies before `lsn`. */
export interface ServerPosition {
  readonly timeline: number;
  readonly lsn: Lsn;
  readonly time: number;
}

/**
 * Until when everything that was committed is stored. Positions of another timeline than the one that is stored say nothing:
 * they are compared with it only once the receiver has followed the server there.
 */
export class CompleteUntil {
  /** Not all stored yet; oldest first. */
  #awaited: ServerPosition[] = [];
  #timeline: number | undefined;
  #time: number | undefined;

  /** The server was at this position. */
  know(position: ServerPosition): void {
    this.#awaited.push(position);
  }

  /**
   * Everything before `lsn` is stored on the timeline.
   * @returns ms since 1970 UTC by the server's clock; undefined: not known
   */
  stored(timeline: number, lsn: Lsn): number | undefined {
    if (this.#timeline !== timeline) this.#time = undefined;
    this.#timeline = timeline;
    const reached = this.#awaited.findLastIndex((one) => one.timeline === timeline && one.lsn <= lsn);
    if (reached >= 0) this.#time = this.#awaited[reached]?.time;
    this.#awaited = this.#awaited.slice(reached + 1);
    return this.#time;
  }
}
