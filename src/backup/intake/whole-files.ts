import type { FrameWriter, WrittenFile } from '../../repository/frames/frame-writer.ts';
import type { FileEntry } from '../../repository/manifest/records.ts';
import type { SourceFile } from '../sources/source.ts';
import type { IncomingFile, Intake, StoredContent } from './intake.ts';
import { chainWith } from './parent-backup.ts';

/** Stores every file whole: a full backup of a server that tells changes by itself. */
export class WholeFilesIntake implements Intake {
  readonly #id: string;
  readonly #frames: FrameWriter;

  constructor(id: string, frames: FrameWriter) {
    this.#id = id;
    this.#frames = frames;
  }

  get storedBytes(): number {
    return this.#frames.storedBytes;
  }

  get hasRoom(): boolean {
    return this.#frames.hasRoom;
  }

  room(): Promise<void> {
    return this.#frames.room();
  }

  open(file: SourceFile): IncomingFile {
    return new WholeFile(file, this.#frames, 0);
  }

  async finish(): Promise<StoredContent> {
    const { frames, packs } = await this.#frames.finish();
    return { chain: chainWith(undefined, this.#id, frames.length), frames, objects: packs };
  }

  async abort(): Promise<void> {
    await this.#frames.abort();
  }
}

/** A file that is stored as it came. */
export class WholeFile implements IncomingFile {
  readonly #source: SourceFile;
  readonly #frames: FrameWriter;
  readonly #written: WrittenFile;
  readonly #firstFrame: number;

  /** @param firstFrame the number that the manifest gives to our first frame: those of the chain come before it */
  constructor(source: SourceFile, frames: FrameWriter, firstFrame: number) {
    this.#source = source;
    this.#frames = frames;
    this.#firstFrame = firstFrame;
    this.#written = frames.beginFile(source.size);
  }

  get path(): string {
    return this.#source.path;
  }

  write(buffer: Buffer, start: number, end: number): void {
    this.#frames.write(buffer, start, end);
  }

  end(): void {
    // the tar reader counted the bytes; nothing is left to do
  }

  get sentChecksum(): number {
    return this.#written.checksum;
  }

  /** What is written in one go lies in one stretch. */
  entry(): FileEntry {
    const { frame, frameOffset, size, checksum } = this.#written;
    const extents =
      frame === undefined
        ? []
        : [{ fileOffset: 0, length: size, frame: frame + this.#firstFrame, frameOffset }];
    return { kind: 'file', ...this.#source, checksum, extents };
  }
}
