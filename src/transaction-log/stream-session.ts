import type { Clock } from '../clock.ts';
import { LarderError, toLarderError } from '../errors.ts';
import { formatLsn, type Lsn } from '../postgres/lsn.ts';
import type { ReplicationConnection } from '../postgres/replication/replication-connection.ts';
import { COPY_DONE, encodeStandbyStatus } from '../postgres/replication/wal-messages.ts';
import { streamWal, type ServerPosition, type WalStreamEnd } from '../postgres/replication/wal-stream.ts';
import type { TimelinePoint } from '../repository/wal/timeline-path.ts';
import { CatchingUp } from './catching-up.ts';
import type { SpoolWriter } from './spool-writer.ts';
import type { StreamArchive } from './stream-archive.ts';

/** Milliseconds between two statuses when nothing else makes one; wal_sender_timeout is 60 s by default. */
const STATUS_INTERVAL = 10_000;
/** A server that does not answer a question for so long is gone. Silence alone means nothing: it may be idle. */
const ANSWER_LIMIT = 30_000;
/** Milliseconds between two flushes that no commit waits for: what the loss of this machine and the server's can cost. */
const UNAWAITED_FLUSH = 100;
/** Of such waits while catching up: a server that sends nothing for a second may be about to be lost. */
const STILL_ROUNDS = 10;
/**
 * Milliseconds for which the socket is left alone behind a read when no commit waits: a busy server sends each of
 * thousands of commits by itself, and taking them one by one costs it a tenth of its transactions on a small machine.
 */
const GATHER = 50;
/** Bytes that the server may be ahead of us when the socket is left alone; one that is further ahead is followed at once. */
const NEAR = 1024n * 1024n;
/** How often a full spool looks whether there is room again. */
const ROOM_INTERVAL = 50;
/** How long a connection is kept that nothing is read from: it would keep the server from being shut down. */
const FULL_LIMIT = 3_000;
/**
 * A server that is being shut down asks again as soon as it is answered, until everything is acknowledged; an idle one asks
 * twice in wal_sender_timeout. One that asks on and on is let go: what is not acknowledged stays with it.
 */
const ASKING_GAP = 1_000;
const ASKING_LIMIT = 5_000;
/** How long the server may take to end its side of the copy. */
const STOP_LIMIT = 2_000;

export interface StreamSessionOptions {
  readonly connection: ReplicationConnection;
  readonly slot: string;
  readonly from: TimelinePoint;
  readonly writer: SpoolWriter;
  readonly archive: StreamArchive;
  /** What may be reported as flushed. */
  readonly ack: 'spool' | 'repository';
  /** Bytes the spool may hold back before the socket is not read any more. */
  readonly spoolLimit: number;
  readonly tailInterval: number;
  readonly clock: Clock;
  /** Whether commits may wait for us, or nobody knows. */
  readonly awaited: () => boolean;
  /** The server said how far it is; milliseconds of our clock. */
  readonly onHeard: (end: Lsn) => void;
  /** What is durable in the sense of `ack` moved. */
  readonly onDurable: (lsn: Lsn) => void;
}

/** One stream on one connection: bytes into the spool, the durable position back as the acknowledgement. */
export class StreamSession {
  readonly #options: StreamSessionOptions;
  readonly #abort = new AbortController();
  readonly #catchingUp: CatchingUp;
  #heardAt: number;
  #askedAt: number | undefined;
  #acknowledged: Lsn = 0n;
  /** How far the server's log was flushed when it last sent any. */
  #serverEnd: Lsn = 0n;
  /** What was written when the socket was last left alone. */
  #gatheredTo: Lsn = 0n;
  #flushing = false;
  #full = false;

  constructor(options: StreamSessionOptions) {
    this.#options = options;
    this.#heardAt = options.clock.monotonic();
    this.#catchingUp = new CatchingUp({
      backlog: () => options.archive.backlog,
      clock: options.clock,
      wait: (milliseconds) => this.#wait(milliseconds),
    });
  }

  /** What the server may forget: never more than is durable in the sense of `ack`. */
  get durable(): Lsn {
    const { ack, archive, writer } = this.#options;
    const stored = archive.stored;
    return ack === 'repository' || writer.flushed < stored ? stored : writer.flushed;
  }

  /**
   * Streams until the timeline ends, the server stops or the signal asks for the end; then what was written is flushed
   * and acknowledged.
   * @throws LarderError as `streamWal`; STATE_NOT_WRITABLE; CONNECTION_LOST when the server does not answer
   */
  async run(signal: AbortSignal): Promise<WalStreamEnd> {
    const stop = (): void => this.#stop(signal);
    signal.addEventListener('abort', stop, { once: true });
    const timers = [this.#keepInTouch(), this.#storeTails()];
    try {
      if (signal.aborted) stop();
      const { connection, slot, from } = this.#options;
      const sink = {
        wal: (_: Lsn, buffer: Buffer, start: number, end: number) =>
          this.#options.writer.write(buffer, start, end),
        heard: (server: ServerPosition) => this.#heard(server),
      };
      const request = { slot, timeline: from.timeline, start: from.lsn };
      const end = await streamWal(
        connection,
        request,
        { sink, room: () => this.#room() },
        this.#abort.signal,
      );
      await this.#options.writer.flush();
      return end;
    } finally {
      signal.removeEventListener('abort', stop);
      this.#abort.abort(new LarderError('INTERRUPTED', 'the stream is over'));
      await Promise.all(timers);
    }
  }

  /** Ends the stream at once; `run` throws the error. */
  end(error: LarderError): void {
    this.#abort.abort(error);
  }

  /** The archive stored something: it may now be acknowledged. */
  stored(): void {
    this.#options.writer.stored(this.#options.archive.stored);
    this.#acknowledge();
  }

  #heard({ kind, end, replyRequested }: ServerPosition): void {
    this.#heardAt = this.#options.clock.monotonic();
    this.#askedAt = undefined;
    this.#options.onHeard(end);
    if (replyRequested) this.#answer();
    if (kind !== 'wal') return;
    this.#serverEnd = end;
    this.#flush();
  }

  /** The server asks twice in wal_sender_timeout, and all the time when it is being shut down. */
  #answer(): void {
    const { ack, writer, clock } = this.#options;
    this.#sendStatus(false);
    if (ack === 'repository') this.storeTail();
    const now = clock.monotonic();
    const goesOn = this.#acknowledged < writer.written && now - (this.#asking?.last ?? 0) < ASKING_GAP;
    this.#asking = { since: goesOn ? (this.#asking?.since ?? now) : now, last: now };
    if (now - this.#asking.since > ASKING_LIMIT) this.#abort.abort(letGo());
  }

  /** Since when the server asks without a pause. */
  #asking: { readonly since: number; readonly last: number } | undefined;

  /** Flushes until nothing is left; what arrives meanwhile makes the next group. */
  #flush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    const { writer } = this.#options;
    const loop = async (): Promise<void> => {
      // behind the last message of this read of the socket: all of it is one group
      await Promise.resolve();
      let [before, still] = [0n, 0];
      while (writer.flushed !== writer.written) {
        still = writer.written === before ? still + 1 : 0;
        before = writer.written;
        const skips = still < STILL_ROUNDS && this.#catchingUp.skipsSpool(this.#ahead);
        if (!skips) await writer.flush();
        this.#acknowledge();
        // each flush costs the server too, where both write to one disk
        if ((skips || !this.#options.awaited()) && !(await this.#wait(UNAWAITED_FLUSH))) return;
      }
    };
    loop()
      .catch((error: unknown) => this.#abort.abort(toLarderError(error)))
      .finally(() => (this.#flushing = false));
  }

  #acknowledge(): void {
    if (this.durable > this.#acknowledged) this.#sendStatus(false);
  }

  #sendStatus(replyRequested: boolean): void {
    const { connection, writer, clock, onDurable } = this.#options;
    this.#acknowledged = this.durable;
    onDurable(this.#acknowledged);
    const written = writer.written > this.#acknowledged ? writer.written : this.#acknowledged;
    connection.write(
      encodeStandbyStatus({ written, flushed: this.#acknowledged, now: clock.now(), replyRequested }),
    );
  }

  async #keepInTouch(): Promise<void> {
    const { clock } = this.#options;
    while (await this.#wait(STATUS_INTERVAL)) {
      const now = clock.monotonic();
      // nothing is heard while nothing is read
      if (this.#full) this.#heardAt = now;
      const asked = this.#askedAt;
      if (asked !== undefined && this.#heardAt < asked && now - asked > ANSWER_LIMIT) {
        this.#abort.abort(
          new LarderError(
            'CONNECTION_LOST',
            `the server has not answered for ${Math.round((now - this.#heardAt) / 1000)} s`,
          ),
        );
        return;
      }
      const silent = now - this.#heardAt >= STATUS_INTERVAL;
      if (silent) this.#askedAt ??= now;
      this.#sendStatus(silent);
    }
  }

  async #storeTails(): Promise<void> {
    while (await this.#wait(this.#options.tailInterval)) this.storeTail();
  }

  /** Stores what the unfinished segment holds. */
  storeTail(): void {
    const { writer, archive } = this.#options;
    const { unfinished } = writer;
    if (unfinished !== undefined) archive.storeTail(unfinished.segment, unfinished.name, unfinished.length);
  }

  /** False when the stream is over. */
  async #wait(milliseconds: number): Promise<boolean> {
    await this.#options.clock.sleep(milliseconds, this.#abort.signal).catch(() => undefined);
    return !this.#abort.signal.aborted;
  }

  #room(): Promise<void> | undefined {
    const { archive, spoolLimit } = this.#options;
    if (archive.backlog > spoolLimit) return this.#waitForRoom();
    return this.#catchingUp.room(this.#ahead) ?? this.#gather();
  }

  /** Bytes that the server is ahead of us, as far as it has said. */
  get #ahead(): bigint {
    return this.#serverEnd - this.#options.writer.written;
  }

  #gather(): Promise<void> | undefined {
    const { awaited, writer } = this.#options;
    const caughtUp = this.#ahead < NEAR;
    if (awaited() || !caughtUp || writer.written === this.#gatheredTo) return undefined;
    this.#gatheredTo = writer.written;
    return this.#wait(GATHER).then(() => undefined);
  }

  async #waitForRoom(): Promise<void> {
    const { archive, spoolLimit, clock } = this.#options;
    const began = clock.monotonic();
    this.#full = true;
    try {
      while (archive.backlog > spoolLimit && (await this.#wait(ROOM_INTERVAL))) {
        if (clock.monotonic() - began > FULL_LIMIT) this.#abort.abort(spoolFull(archive.backlog));
      }
    } finally {
      this.#full = false;
    }
  }

  /** Ends our side of the copy; a server that does not end its own soon is hung up on. */
  #stop(signal: AbortSignal): void {
    const { connection } = this.#options;
    void this.#options.writer
      .flush()
      .then(() => this.#sendStatus(false))
      .catch(() => undefined)
      .finally(() => connection.write(COPY_DONE));
    void this.#wait(STOP_LIMIT).then(() => this.#abort.abort(signal.reason));
  }
}

function letGo(): LarderError {
  return new LarderError(
    'CONNECTION_LOST',
    'the server is being shut down and waits for WAL to be acknowledged that cannot be stored now (transaction-log.ack: repository): it is let go',
    { hint: 'Mend what keeps the repository from taking it; the spool holds the WAL meanwhile.' },
  );
}

function spoolFull(bytes: number): LarderError {
  return new LarderError(
    'STATE_NOT_WRITABLE',
    `the spool holds ${Math.ceil(bytes / 1024 ** 2)} MiB that are not stored yet, as much as it may (transaction-log.spool-limit)`,
    { hint: 'Mend what keeps the repository from taking it; the server keeps the WAL meanwhile.' },
  );
}

/** `timeline 1, 0/3000000`, for messages. */
export function pointText({ timeline, lsn }: TimelinePoint): string {
  return `timeline ${timeline}, ${formatLsn(lsn)}`;
}
