import type { Clock } from '../clock.ts';
import { LarderError } from '../errors.ts';
import { formatLsn } from '../postgres/lsn.ts';
import type { ReplicationConnection } from '../postgres/replication/replication-connection.ts';
import { readServerIdentity } from '../postgres/replication/server-identity.ts';
import {
  createSlot,
  dropSlot,
  readSlot,
  readTimelineHistory,
  type PhysicalSlot,
} from '../postgres/replication/slot.ts';
import { assertSupported } from '../postgres/supported-version.ts';
import type { TimelineHistory } from '../postgres/timeline-history.ts';
import { majorOf } from '../postgres/version.ts';
import { openOrCreateRepository, openRepository, type Repository } from '../repository/repository.ts';
import { openOrCreateArchive, type ArchiveRecord } from '../repository/wal/archive-record.ts';
import type { TimelinePoint } from '../repository/wal/timeline-path.ts';
import { recordHole, type WalHole } from '../repository/wal/wal-hole.ts';
import { readWalIndex, type WalIndex } from '../repository/wal/wal-index.ts';
import type { TailRange } from '../repository/wal/wal-layout.ts';
import type { ObjectStore, StoreLocation } from '../storage/object-store.ts';
import type { ReceiverNotice } from './receiver-request.ts';
import { resumePoint } from './resume-point.ts';
import { slotName } from './slot-name.ts';
import type { SpoolDescription } from './spool.ts';
import { storeHistory } from './store-history.ts';
import { pointText } from './stream-session.ts';

export interface SourceOptions {
  readonly store: ObjectStore;
  readonly location: StoreLocation;
  /** Whose WAL was received before, on this host; its repository must still be there. */
  readonly earlier: SpoolDescription | undefined;
  readonly clock: Clock;
  readonly onNotice: (notice: ReceiverNotice) => void;
}

/** Why WAL is gone. */
export interface Loss {
  readonly reason: WalHole['reason'];
  /** Everything before it is safe. */
  readonly reached: TimelinePoint;
  readonly detail: string;
}

/**
 * Learns what the server is and opens the repository and archive that belong to it.
 * @throws LarderError SERVER_TOO_OLD, REPOSITORY_OTHER_CLUSTER, REPOSITORY_MISSING when it was there before, the store's errors
 */
export async function connectSource(
  connection: ReplicationConnection,
  options: SourceOptions,
): Promise<Source> {
  const { store, clock, earlier } = options;
  const identity = await readServerIdentity(connection);
  for (const text of assertSupported(identity)) options.onNotice({ level: 'warning', text });
  const { systemIdentifier, timeline, walSegmentSize: segmentSize } = identity;
  const major = majorOf(identity.serverVersionNumber);
  // where a repository was before, an absent one is more likely an unmounted volume than a wish to begin anew
  if (earlier !== undefined) await openRepository(store, options.location);
  const repository = await openOrCreateRepository(store, options.location, {
    lineage: { systemIdentifier, major },
    clock,
  });
  const created = new Date(clock.now()).toISOString();
  const archive = await openOrCreateArchive(store, { systemIdentifier, major, segmentSize, created });
  return new Source(connection, options, { repository, archive, timeline });
}

/** The server one connection leads to: its slot, its timelines, and what of its log is stored already. */
export class Source {
  readonly connection: ReplicationConnection;
  readonly slot: string;
  readonly archive: ArchiveRecord;
  /** The server's, when the connection was made. */
  readonly timeline: number;
  readonly description: SpoolDescription;
  readonly #options: SourceOptions;
  #tails: readonly TailRange[] = [];
  /** How far what is stored reached, when the connection was made. */
  #reached: TimelinePoint | undefined;

  constructor(
    connection: ReplicationConnection,
    options: SourceOptions,
    found: {
      readonly repository: Repository;
      readonly archive: ArchiveRecord;
      readonly timeline: number;
    },
  ) {
    const { id } = found.repository.record;
    const { systemIdentifier, major, segmentSize } = found.archive;
    this.connection = connection;
    this.archive = found.archive;
    this.timeline = found.timeline;
    this.slot = slotName(id);
    this.description = { repositoryId: id, systemIdentifier, major, segmentSize };
    this.#options = options;
  }

  /** Tails on that timeline from the segment of the point on. */
  tailsFrom({ timeline, lsn }: TimelinePoint): TailRange[] {
    const first = lsn / BigInt(this.archive.segmentSize);
    return this.#tails.filter(({ segment }) => segment.timeline === timeline && segment.number >= first);
  }

  /**
   * Where streaming goes on: behind what is stored, or where the server's slot begins. Records a hole when what is stored
   * ends on a branch the server never took.
   */
  async resume(): Promise<TimelinePoint> {
    const index = await readWalIndex(this.#options.store, this.archive);
    this.#tails = index.tails;
    const history = this.timeline === 1 ? [] : await this.#ensureHistory(this.timeline);
    const slot = await this.ensureSlot();
    const point = await this.#choose(index, history, slot);
    if (point.timeline > 1) await this.#ensureHistory(point.timeline);
    return point;
  }

  async #choose(index: WalIndex, history: TimelineHistory, slot: TimelinePoint): Promise<TimelinePoint> {
    const point = resumePoint(index, { timeline: this.timeline, history }, slot.lsn);
    if (point.kind === 'continue') {
      this.#reached = point.reached;
      return point.start;
    }
    const start = this.#segmentStart(slot);
    if (point.kind === 'nothing-stored') return start;
    const detail = `the server is on timeline ${this.timeline}, which did not come from what was received`;
    await this.#recordHole({ reason: 'diverged', reached: point.reached, detail }, start);
    return start;
  }

  /** The slot, made if the server has none that keeps WAL, and where it begins. */
  async ensureSlot(): Promise<TimelinePoint> {
    const found = await readSlot(this.connection, this.slot);
    if (found?.restart !== undefined) return found.restart;
    if (found !== undefined) await dropSlot(this.connection, this.slot);
    await createSlot(this.connection, this.slot);
    const made: PhysicalSlot | undefined = await readSlot(this.connection, this.slot);
    if (made?.restart === undefined) {
      throw new LarderError('SERVER_ERROR', `the new slot ${this.slot} keeps no WAL`);
    }
    return made.restart;
  }

  /**
   * After the server said that it does not have the WAL: a slot that was invalidated is made anew, and what lies between
   * what we have and where the slot begins is recorded as lost.
   * @returns where to go on
   */
  async recordLoss(loss: Loss): Promise<TimelinePoint> {
    if (loss.reason === 'slot-invalidated') {
      await dropSlot(this.connection, this.slot);
      await this.ensureSlot();
      this.#notify('error', `the server gave up the slot ${this.slot} (${loss.detail}); it was made anew`);
      // the WAL itself may still be there
      return loss.reached;
    }
    let start = this.#segmentStart(await this.ensureSlot());
    if (start.lsn <= loss.reached.lsn) {
      await dropSlot(this.connection, this.slot);
      start = this.#segmentStart(await this.ensureSlot());
    }
    const stored = this.#reached?.timeline === loss.reached.timeline ? this.#reached : loss.reached;
    await this.#recordHole(
      { ...loss, reached: stored.lsn > loss.reached.lsn ? stored : loss.reached },
      start,
    );
    if (start.timeline > 1) await this.#ensureHistory(start.timeline);
    return start;
  }

  /** The old timeline has ended: stores the history of the next one, and gives the beginning of its first segment. */
  async follow({ timeline, lsn }: TimelinePoint): Promise<TimelinePoint> {
    await this.#ensureHistory(timeline);
    return this.#segmentStart({ timeline, lsn });
  }

  async #ensureHistory(timeline: number): Promise<TimelineHistory> {
    const text = await readTimelineHistory(this.connection, timeline);
    return storeHistory(this.#options.store, this.archive.systemIdentifier, { timeline, text });
  }

  async #recordHole({ reason, reached, detail }: Loss, start: TimelinePoint): Promise<void> {
    const { store, clock } = this.#options;
    const recorded = new Date(clock.now()).toISOString();
    const hole = { timeline: reached.timeline, from: reached.lsn, to: start.lsn, reason, detail, recorded };
    await recordHole(store, this.archive.systemIdentifier, hole);
    this.#notify(
      'error',
      `WAL is lost: from ${pointText(reached)} to ${formatLsn(start.lsn)} (${reason}: ${detail})`,
      'No backup taken until now can be rolled forward past it: take a new full backup now (larder backup).',
    );
  }

  #segmentStart({ timeline, lsn }: TimelinePoint): TimelinePoint {
    return { timeline, lsn: lsn - (lsn % BigInt(this.archive.segmentSize)) };
  }

  #notify(level: ReceiverNotice['level'], text: string, hint?: string): void {
    this.#options.onNotice({ level, text, ...(hint === undefined ? {} : { hint }) });
  }
}
