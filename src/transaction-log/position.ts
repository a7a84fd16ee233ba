import { toLarderError } from '../errors.ts';
import type { Lsn } from '../postgres/lsn.ts';
import { readPosition, writePosition, type ReceivedPosition } from '../repository/wal/received-position.ts';
import { CompleteUntil } from './complete-until.ts';
import type { ReceiverContext, ReceiverRequest } from './receiver-request.ts';
import { encodeStatus, STATUS_FILE, type ReceiverStatus } from './receiver-status.ts';
import type { ServerAnswer } from './server-watch.ts';
import type { Source } from './source.ts';
import type { Spool } from './spool.ts';
import type { SpoolWriter } from './spool-writer.ts';
import type { StreamArchive } from './stream-archive.ts';
import { UnprotectedSince } from './unprotected-since.ts';

const PUBLISH_INTERVAL = 1_000;

/** The stream that runs, or ran last. */
interface Stream {
  readonly source: Source;
  readonly timeline: number;
  readonly writer: SpoolWriter;
  readonly archive: StreamArchive;
}

/** Where the receiver is: collects what its parts know, tells it, and writes it down for others. */
export class Position {
  readonly #request: ReceiverRequest;
  readonly #context: ReceiverContext;
  readonly #spool: Spool;
  readonly #unprotected = new UnprotectedSince();
  #stream: Stream | undefined;
  #state: ReceiverStatus['state'] = 'starting';
  #durable: Lsn | undefined;
  #serverEnd: Lsn | undefined;
  #answer: ServerAnswer | undefined;
  readonly #complete = new CompleteUntil();
  #earlier: Promise<ReceivedPosition | undefined> | undefined;
  #connections = 0;
  #problem: string | undefined;

  constructor(request: ReceiverRequest, context: ReceiverContext, spool: Spool) {
    this.#request = request;
    this.#context = context;
    this.#spool = spool;
  }

  get status(): ReceiverStatus {
    const { archive, writer, source, timeline } = this.#stream ?? {};
    const slot = this.#answer?.slot;
    return {
      state: this.#state,
      timeline,
      received: writer?.written,
      durable: this.#durable,
      stored: archive?.stored,
      serverEnd: this.#serverEnd,
      unprotectedSince: this.#unprotected.value,
      spoolBytes: archive?.backlog ?? 0,
      slot: slot === undefined || source === undefined ? undefined : { ...slot, name: source.slot },
      restarts: Math.max(0, this.#connections - 1),
      problem: this.#problem,
    };
  }

  /** Behind the last byte that is certainly on our disk. */
  get flushed(): Lsn | undefined {
    return this.#stream?.writer.flushed;
  }

  streaming(stream: Stream): void {
    if (this.#stream !== undefined && this.#stream.timeline !== stream.timeline) {
      // a child may begin below what was received of its parent: positions of the two cannot be compared
      this.#serverEnd = undefined;
      this.#unprotected.branch(stream.writer.flushed);
    }
    this.#stream = stream;
    this.#state = 'streaming';
    this.#connections++;
    this.#tell();
  }

  heard(end: Lsn): void {
    this.#problem = undefined;
    if (this.#serverEnd === undefined || end > this.#serverEnd) this.#serverEnd = end;
    this.#unprotected.observe(end, this.#context.clock.now());
  }

  durable(lsn: Lsn): void {
    this.#durable = lsn;
    this.#unprotected.protect(lsn);
  }

  disconnected(problem: string): void {
    this.#state = 'waiting';
    this.#problem = problem;
    this.#unprotected.lose(this.#context.clock.now());
    this.#tell();
  }

  /** The server was asked with SQL. */
  answered(answer: ServerAnswer | undefined): void {
    this.#answer = answer;
    if (answer?.flushed === undefined) return;
    const { timeline, lsn } = answer.flushed;
    this.#complete.know(answer.flushed);
    if (this.#state !== 'streaming' || timeline !== this.#stream?.timeline) return;
    this.#unprotected.observe(lsn, this.#context.clock.now());
  }

  /** Publishes until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    let nextPosition = clock.monotonic();
    while (!signal.aborted) {
      await this.publish();
      // the first one as soon as there is a stream: without it nobody can tell a lost end from the end
      if (this.#stream !== undefined && clock.monotonic() >= nextPosition) {
        await this.#writePosition(this.#stream);
        nextPosition = clock.monotonic() + this.#request.tailInterval;
      }
      await clock.sleep(PUBLISH_INTERVAL, signal).catch(() => undefined);
    }
    if (this.#stream !== undefined) await this.#writePosition(this.#stream);
  }

  /** For other processes on this host; a disk that refuses it refuses the WAL too, and says so there. */
  async publish(): Promise<void> {
    const { clock, processIdentity } = this.#context;
    const text = encodeStatus(this.status, processIdentity, clock.now());
    await this.#spool.publish(STATUS_FILE, text).catch(() => undefined);
    this.#tell();
  }

  #tell(): void {
    this.#context.onStatus(this.status);
  }

  /** The heartbeat in the repository. */
  async #writePosition({ source, timeline, archive }: Stream): Promise<void> {
    const { stored } = archive;
    const complete = this.#complete.stored(timeline, stored);
    const { systemIdentifier } = source.archive;
    try {
      const earlier = await this.#earlierOn(systemIdentifier, timeline);
      await writePosition(this.#request.store, systemIdentifier, {
        timeline,
        stored: earlier !== undefined && earlier.stored > stored ? earlier.stored : stored,
        complete: complete ?? earlier?.complete,
        updated: this.#context.clock.now(),
      });
    } catch (error) {
      // whatever refuses this refuses the segments too, whose storing is repeated and told of
      this.#problem = toLarderError(error).message;
    }
  }

  /**
   * What an earlier receiver wrote of the same timeline. It stays true until this one, which begins with the unfinished
   * segment again, has come as far; what cannot be read is written anew.
   */
  async #earlierOn(systemIdentifier: string, timeline: number): Promise<ReceivedPosition | undefined> {
    this.#earlier ??= readPosition(this.#request.store, systemIdentifier).catch((thrown: unknown) => {
      if (toLarderError(thrown).code === 'OBJECT_DAMAGED') return undefined;
      this.#earlier = undefined;
      throw thrown;
    });
    const earlier = await this.#earlier;
    return earlier?.timeline === timeline ? earlier : undefined;
  }
}
