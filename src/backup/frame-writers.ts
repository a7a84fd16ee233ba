import { FrameWriter, type FrameWriterOptions } from '../repository/frames/frame-writer.ts';

/**
 * Frame writers for the attempts of one run. The first is started before it is needed: its threads come up while the run
 * still waits for the server and for the repository.
 */
export class FrameWriters {
  readonly #options: FrameWriterOptions;
  #ready: FrameWriter | undefined;

  constructor(options: FrameWriterOptions) {
    this.#options = options;
    this.#ready = new FrameWriter(options);
  }

  /** A writer for the backup; whoever takes it ends it. */
  take(backupId: string): FrameWriter {
    const writer = this.#ready ?? new FrameWriter(this.#options);
    this.#ready = undefined;
    writer.begin(backupId);
    return writer;
  }

  /** Ends the one that nobody took. Never throws. */
  async close(): Promise<void> {
    await this.#ready?.abort();
  }
}
