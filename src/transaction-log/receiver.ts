import { LarderError, toLarderError } from '../errors.ts';
import { formatLsn } from '../postgres/lsn.ts';
import { ReplicationConnection } from '../postgres/replication/replication-connection.ts';
import type { WalStreamEnd } from '../postgres/replication/wal-stream.ts';
import { dropSlot } from '../postgres/replication/slot.ts';
import { sqlState } from '../postgres/server-error.ts';
import type { TimelinePoint } from '../repository/wal/timeline-path.ts';
import { TaskPool } from '../task-pool.ts';
import { startWorker } from '../worker-thread.ts';
import type { ArchiveTask, ArchiveWorkerData } from './archive-messages.ts';
import { withinAnswerLimit } from './answer-limit.ts';
import { Backoff } from './backoff.ts';
import { drainEarlier } from './drain-spool.ts';
import { Position } from './position.ts';
import type { ReceiverContext, ReceiverNotice, ReceiverRequest } from './receiver-request.ts';
import { judgeRetention, retentionError, retentionWarning } from './protection.ts';
import { connectSource, type Loss, type Source } from './source.ts';
import { Spool } from './spool.ts';
import { SpoolWriter } from './spool-writer.ts';
import { StreamArchive } from './stream-archive.ts';
import { pointText, StreamSession } from './stream-session.ts';
import { ServerWatch, type ServerAnswer } from './server-watch.ts';

/** Threads that compress: two keep up with what one socket brings. */
const ARCHIVE_THREADS = 2;
/** Of each: one segment is forced to the disk while the next is compressed. */
const ARCHIVE_TASKS = 2;
/** How often a full spool looks whether there is room again. */
const ROOM_INTERVAL = 50;
/** How long an asked-for end waits for what was received to be stored; the spool keeps the rest. */
const SETTLE_LIMIT = 5_000;

/** What no waiting mends. */
const FATAL = new Set([
  'CONFIG_INVALID',
  'INTERNAL',
  'OBJECT_DAMAGED',
  'OBJECT_EXISTS',
  'PROTOCOL_VIOLATION',
  'REPOSITORY_DAMAGED',
  'REPOSITORY_NEWER_FORMAT',
  'REPOSITORY_OTHER_CLUSTER',
  'SERVER_TOO_OLD',
]);

/**
 * Receives WAL until the signal asks for the end: first what an earlier receiver left in the spool is stored, then the
 * server is streamed from, again and again, whatever happens to connections, server or repository in between.
 *
 * @throws LarderError LEASE_HELD when another receiver has the spool; whatever no waiting mends; before the first
 *   connection also what refuses it for good (SERVER_REFUSED_LOGIN, SERVER_NOT_PRIVILEGED, …)
 */
export async function receiveWal(request: ReceiverRequest, context: ReceiverContext): Promise<void> {
  const spool = await Spool.open(request.spoolDirectory, context.processIdentity, context.clock);
  const workerData: ArchiveWorkerData = { location: request.location, level: request.compressionLevel };
  const pool = new TaskPool<ArchiveTask>(
    () => startWorker(import.meta.url, 'archive-worker', { workerData }),
    { threads: ARCHIVE_THREADS, each: ARCHIVE_TASKS },
  );
  try {
    await new Receiver(request, context, { spool, pool }).run();
  } finally {
    await pool.close();
    await spool.close();
  }
}

class Receiver {
  readonly #request: ReceiverRequest;
  readonly #context: ReceiverContext;
  readonly #spool: Spool;
  readonly #pool: TaskPool<ArchiveTask>;
  readonly #backoff = new Backoff();
  readonly #position: Position;
  readonly #watch: ServerWatch;
  /** Aborts when the receiver is to end, for whatever reason. */
  readonly #ending = new AbortController();
  /** Aborts when nothing more is to be stored either. */
  readonly #storing = new AbortController();
  #session: StreamSession | undefined;
  #archive: StreamArchive | undefined;
  #timeline: number | undefined;
  #connected = false;
  /** The slot is to be dropped, for this reason. */
  #giveUp: LarderError | undefined;
  /** It was dropped: WAL that turns out to be gone is gone for that reason. */
  #gaveUp = false;
  #warned = false;
  /** Until the server says that no commit waits for us. */
  #awaited = true;

  constructor(
    request: ReceiverRequest,
    context: ReceiverContext,
    { spool, pool }: { readonly spool: Spool; readonly pool: TaskPool<ArchiveTask> },
  ) {
    this.#request = request;
    this.#context = context;
    this.#spool = spool;
    this.#pool = pool;
    this.#position = new Position(request, context, spool);
    this.#watch = new ServerWatch({
      ...context,
      connection: request.connection,
      onAnswer: (answer) => this.#answered(answer),
    });
  }

  async run(): Promise<void> {
    const { signal } = this.#context;
    const end = (): void => this.#ending.abort(signal.reason);
    signal.addEventListener('abort', end, { once: true });
    const beside = [this.#position.run(this.#ending.signal), this.#watch.run(this.#ending.signal)];
    try {
      if (signal.aborted) end();
      else await this.#keepReceiving();
      if (!signal.aborted) throw this.#ending.signal.reason as Error;
    } finally {
      signal.removeEventListener('abort', end);
      this.#ending.abort(new LarderError('INTERRUPTED', 'the receiver has ended'));
      this.#storing.abort(new LarderError('INTERRUPTED', 'the receiver has ended'));
      await Promise.all(beside);
      await this.#position.publish();
    }
  }

  async #keepReceiving(): Promise<void> {
    const { clock, signal } = this.#context;
    while (!this.#ending.signal.aborted) {
      try {
        await this.#drainLeftovers();
        await this.#giveUpSlot();
        await this.#receiveOnce();
      } catch (thrown) {
        const error = toLarderError(thrown);
        if (signal.aborted) break;
        if (this.#isFinal(error)) throw error;
        this.#position.disconnected(error.message);
        const delay = this.#backoff.next();
        this.#notice({
          level: 'warning',
          text: `${error.message}; next try in ${delay} ms`,
          ...hintOf(error),
        });
        await clock.sleep(delay, this.#ending.signal).catch(() => undefined);
      }
    }
    await this.#settle();
  }

  #isFinal(error: LarderError): boolean {
    return this.#ending.signal.aborted || FATAL.has(error.code) || (!this.#connected && !error.retryable);
  }

  #leftoversStored = false;

  /** Before the server is even asked: it may be gone for good. */
  async #drainLeftovers(): Promise<void> {
    if (this.#leftoversStored) return;
    const text = await drainEarlier(this.#spool, { ...this.#request, pool: this.#pool });
    this.#leftoversStored = true;
    if (text !== undefined) this.#notice({ level: 'info', text });
  }

  /** One connection, from login to its end. */
  async #receiveOnce(): Promise<void> {
    if (!(await this.#hasRoom())) return;
    const hangUp = (this.#hangUp = new AbortController());
    const connection = await this.#answer(() =>
      ReplicationConnection.open(this.#request.connection, hangUp.signal),
    );
    try {
      const earlier = await this.#spool.describe();
      const options = { ...this.#request, ...this.#context, earlier };
      const source = await this.#answer(() => connectSource(connection, options));
      await this.#spool.begin(source.description);
      this.#watch.watchSlot(source.slot);
      let start = await this.#startPoint(source);
      this.#connected = true;
      for (;;) {
        const end = await this.#streamOrRecordHole(source, start);
        if (end.kind === 'start-again') start = end.start;
        else if (end.kind === 'timeline-ended') start = await this.#follow(source, end);
        else if (end.kind === 'stopped') return;
        else throw new LarderError('CONNECTION_LOST', 'the server is being shut down');
      }
    } finally {
      await connection.close();
    }
  }

  /** Behind what this process has on its disk, or, on a new timeline and at the start, behind what is stored. */
  async #startPoint(source: Source): Promise<TimelinePoint> {
    if (this.#archive !== undefined && this.#timeline === source.timeline) {
      await this.#answer(() => source.ensureSlot());
      // behind the wait: what was stored meanwhile is in the spool no more
      const { flushed } = this.#position;
      if (flushed !== undefined) return { timeline: source.timeline, lsn: flushed };
    }
    await this.#archive?.settled();
    return this.#answer(() => source.resume());
  }

  #hangUp = new AbortController();

  #answer<T>(work: () => Promise<T>): Promise<T> {
    const { clock } = this.#context;
    return withinAnswerLimit(work, { clock, hangUp: this.#hangUp, signal: this.#ending.signal });
  }

  /**
   * Waits until the spool takes more: a connection that takes nothing would keep the server from being shut down.
   * @returns false when something else has to be done first
   */
  async #hasRoom(): Promise<boolean> {
    const { clock } = this.#context;
    while ((this.#archive?.backlog ?? 0) > this.#request.spoolLimit) {
      if (this.#giveUp !== undefined) return false;
      await clock.sleep(ROOM_INTERVAL, this.#ending.signal);
    }
    return true;
  }

  async #streamOrRecordHole(
    source: Source,
    start: TimelinePoint,
  ): Promise<WalStreamEnd | { readonly kind: 'start-again'; readonly start: TimelinePoint }> {
    try {
      return await this.#stream(source, start);
    } catch (error) {
      const reason = lossReason(error);
      if (reason === undefined || this.#ending.signal.aborted) throw error;
      const detail = toLarderError(error).message;
      return {
        kind: 'start-again',
        start: await this.#goOnBehindLoss(source, { reason, reached: start, detail }),
      };
    }
  }

  /** A slot that was invalidated may have kept the WAL all the same; what is gone is recorded, and left behind. */
  async #goOnBehindLoss(source: Source, loss: Loss): Promise<TimelinePoint> {
    await this.#archive?.settled();
    const stored = this.#archive?.stored ?? 0n;
    const { timeline, lsn } = loss.reached;
    const reached = { timeline, lsn: stored > lsn ? stored : lsn };
    const reason = this.#gaveUp ? 'slot-dropped' : loss.reason;
    const start = await this.#answer(() => source.recordLoss({ ...loss, reached, reason }));
    this.#gaveUp = false;
    if (start.lsn !== reached.lsn) this.#archive = undefined;
    return start;
  }

  async #stream(source: Source, start: TimelinePoint): Promise<WalStreamEnd> {
    const { clock } = this.#context;
    const archive = this.#archiveFrom(source, start);
    const writer = new SpoolWriter({
      spool: this.#spool,
      timeline: start.timeline,
      start: start.lsn,
      segmentSize: source.archive.segmentSize,
      clock,
      awaited: () => this.#awaited,
      onFinished: (segment, name) => archive.segmentFinished(segment, name),
    });
    const session: StreamSession = new StreamSession({
      ...this.#request,
      connection: source.connection,
      slot: source.slot,
      from: start,
      writer,
      archive,
      clock,
      awaited: () => this.#awaited,
      onHeard: (end) => {
        this.#backoff.reset();
        this.#position.heard(end);
      },
      onDurable: (lsn) => this.#position.durable(lsn),
    });
    this.#session = session;
    this.#position.streaming({ source, timeline: start.timeline, writer, archive });
    this.#notice({ level: 'info', text: `streaming WAL from ${pointText(start)}, slot ${source.slot}` });
    try {
      return await session.run(this.#ending.signal);
    } finally {
      // what came last may never come again: it is made durable, and then stored, if that is still possible
      await writer.flush().catch(() => undefined);
      session.storeTail();
      await writer.close();
    }
  }

  /** One for each timeline: it outlives the connections. */
  #archiveFrom(source: Source, start: TimelinePoint): StreamArchive {
    if (this.#archive !== undefined && this.#timeline === start.timeline) return this.#archive;
    const size = BigInt(source.archive.segmentSize);
    this.#timeline = start.timeline;
    this.#archive = new StreamArchive({
      ...this.#request,
      pool: this.#pool,
      archive: source.archive,
      spool: this.#spool,
      timeline: start.timeline,
      start: start.lsn - (start.lsn % size),
      tails: source.tailsFrom(start),
      clock: this.#context.clock,
      signal: this.#storing.signal,
      onStored: () => this.#session?.stored(),
      onRetry: (error, delay) =>
        this.#notice({
          level: 'warning',
          text: `${error.message}; next try in ${delay} ms`,
          ...hintOf(error),
        }),
      onFailure: (error) => this.#ending.abort(error),
    });
    return this.#archive;
  }

  /** The old timeline is stored to its last byte, and the new one's history, before anything of the new one is. */
  async #follow(
    source: Source,
    end: Extract<WalStreamEnd, { kind: 'timeline-ended' }>,
  ): Promise<TimelinePoint> {
    await this.#archive?.settled();
    this.#archive = undefined;
    this.#notice({
      level: 'info',
      text: `timeline ${end.timeline} branched off at ${formatLsn(end.position)}; following it`,
    });
    return this.#answer(() => source.follow({ timeline: end.timeline, lsn: end.position }));
  }

  /** Gives what was received a while to be stored; the spool keeps what takes longer. */
  async #settle(): Promise<void> {
    const late = this.#context.clock.sleep(SETTLE_LIMIT, this.#storing.signal).catch(() => undefined);
    await Promise.race([this.#archive?.settled(), late]);
  }

  #answered(answer: ServerAnswer | undefined): void {
    this.#position.answered(answer);
    this.#awaited = answer?.awaited ?? true;
    const verdict = judgeRetention(answer?.slot.retainedBytes, this.#request);
    if (verdict.kind === 'drop-slot' && this.#giveUp === undefined) {
      this.#giveUp = retentionError(verdict.retained, this.#request);
      this.#session?.end(this.#giveUp);
    }
    const warn = verdict.kind === 'warn';
    if (warn && !this.#warned) this.#notice(retentionWarning(verdict.retained, this.#request));
    this.#warned = warn;
  }

  /** The slot is dropped, and streaming goes on once what was received is stored: not before, or all begins again. */
  async #giveUpSlot(): Promise<void> {
    const error = this.#giveUp;
    if (error === undefined) return;
    const hangUp = (this.#hangUp = new AbortController());
    const connection = await this.#answer(() =>
      ReplicationConnection.open(this.#request.connection, hangUp.signal),
    );
    try {
      const slot = this.#watch.slot;
      if (slot !== undefined) await this.#answer(() => dropSlot(connection, slot));
    } finally {
      await connection.close();
    }
    this.#gaveUp = true;
    this.#notice({ level: 'error', text: error.message, ...hintOf(error) });
    await this.#archive?.settled();
    this.#giveUp = undefined;
  }

  #notice(notice: ReceiverNotice): void {
    this.#context.onNotice(notice);
  }
}

function hintOf({ hint }: LarderError): { hint?: string } {
  return hint === undefined ? {} : { hint };
}

/** The SQLSTATEs that mean that the server does not have the WAL any more: no waiting brings it back. */
function lossReason(error: unknown): 'wal-removed' | 'slot-invalidated' | undefined {
  const state = sqlState(error);
  if (state === '58P01') return 'wal-removed';
  return state === '55000' ? 'slot-invalidated' : undefined;
}
