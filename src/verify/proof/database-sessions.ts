import type { Amcheck } from './amcheck.ts';
import { CopyFailure, type CopySession } from './copy-session.ts';
import type { Relation } from './relations.ts';

/** A session of one database of a copy, with amcheck's functions, or why there are none. */
export interface DatabaseSession {
  readonly session: CopySession;
  readonly amcheck: Amcheck | string;
}

/** Throws CopyFailure with what is lacking, where there are none. */
export function amcheckOf({ amcheck }: DatabaseSession): Amcheck {
  if (typeof amcheck === 'string') throw new CopyFailure(amcheck, amcheck, false);
  return amcheck;
}

/** `stop`: what waits need not be looked at any more. */
export type LookAtRelation = (session: DatabaseSession, relation: Relation) => Promise<'go on' | 'stop'>;

/** Less than that is looked at before another session has begun, bytes. */
const WORTH_A_SESSION = 16 * 1024 * 1024;

/** How many sessions a copy may have at once, in all of its databases together. */
export class SessionPlaces {
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** False where none is free. */
  take(): boolean {
    if (this.#free === 0) return false;
    this.#free -= 1;
    return true;
  }

  give(): void {
    this.#free += 1;
  }
}

/** A database's own session, and more while there are places and enough waits to be looked at. */
export class DatabaseSessions {
  readonly own: DatabaseSession;
  readonly #places: SessionPlaces;
  readonly #open: () => Promise<DatabaseSession>;

  /** @param open opens one more; where it throws a CopyFailure it goes without */
  constructor(own: DatabaseSession, places: SessionPlaces, open: () => Promise<DatabaseSession>) {
    this.own = own;
    this.#places = places;
    this.#open = open;
  }

  /**
   * Looks at each relation with a session that has nothing else to do, the largest first, so that no session is left with it
   * when the others have done. Throws the first error of a look, when all have ended.
   */
  async forEach(relations: readonly Relation[], look: LookAtRelation): Promise<void> {
    const waiting = relations.toSorted((one, other) => other.bytes - one.bytes);
    const failures: unknown[] = [];
    const others: Promise<void>[] = [];
    let next = 0;
    let bytes = waiting.reduce((sum, relation) => sum + relation.bytes, 0);
    const work = async (session: DatabaseSession): Promise<void> => {
      for (let relation = waiting[next++]; relation !== undefined; relation = waiting[next++]) {
        bytes -= relation.bytes;
        if (bytes >= WORTH_A_SESSION && this.#places.take()) others.push(noted(this.#withAnother(work)));
        if ((await look(session, relation)) === 'stop') next = waiting.length;
      }
    };
    const noted = (working: Promise<void>): Promise<void> =>
      working.catch((error: unknown) => {
        failures.push(error);
        next = waiting.length;
      });
    await noted(work(this.own));
    // grows while it is gone through
    for (const other of others) await other;
    if (failures.length > 0) throw failures[0];
  }

  /** Gives the place back that was taken for it. */
  async #withAnother(work: (session: DatabaseSession) => Promise<void>): Promise<void> {
    try {
      const opened = await this.#open();
      try {
        await work(opened);
      } finally {
        await opened.session[Symbol.asyncDispose]();
      }
    } catch (error) {
      if (!(error instanceof CopyFailure)) throw error;
    } finally {
      this.#places.give();
    }
  }
}
