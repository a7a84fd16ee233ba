import type { ObjectStore } from '../../storage/object-store.ts';
import type { FrameReference } from '../frames/frame.ts';
import { FramedObjectWriter, type StoredObject } from '../frames/framed-object.ts';
import { ByteWriter } from './byte-codec.ts';
import {
  encodeRecord,
  EXTENTS_PER_RECORD,
  FRAMES_PER_RECORD,
  type DirectoryEntry,
  type FileEntry,
  type ManifestRecord,
} from './records.ts';

/**
 * Stores a manifest: every frame, then every file and directory, then the totals. Records follow each other with their
 * length before them.
 */
export async function writeManifest(
  store: ObjectStore,
  name: string,
  content: { frames: readonly FrameReference[]; entries: Iterable<FileEntry | DirectoryEntry> },
): Promise<StoredObject> {
  const object = await FramedObjectWriter.open(store, name, 'manifest', 3);
  try {
    for (const record of records(content)) {
      const bytes = encodeRecord(record);
      await object.write(new ByteWriter().varint(bytes.length).take());
      await object.write(bytes);
    }
    return await object.commit();
  } catch (error) {
    await object.abort();
    throw error;
  }
}

function* records(content: {
  frames: readonly FrameReference[];
  entries: Iterable<FileEntry | DirectoryEntry>;
}): Generator<ManifestRecord> {
  const totals = { files: 0, directories: 0, bytes: 0 };
  for (let i = 0; i < content.frames.length; i += FRAMES_PER_RECORD) {
    yield { kind: 'frames', frames: content.frames.slice(i, i + FRAMES_PER_RECORD) };
  }
  for (const entry of content.entries) {
    if (entry.kind === 'directory') {
      totals.directories += 1;
      yield entry;
    } else {
      totals.files += 1;
      totals.bytes += entry.size;
      yield* fileRecords(entry);
    }
  }
  yield { kind: 'end', ...totals, frames: content.frames.length };
}

function* fileRecords(file: FileEntry): Generator<ManifestRecord> {
  yield { ...file, extents: file.extents.slice(0, EXTENTS_PER_RECORD) };
  for (let i = EXTENTS_PER_RECORD; i < file.extents.length; i += EXTENTS_PER_RECORD) {
    yield { kind: 'extents', extents: file.extents.slice(i, i + EXTENTS_PER_RECORD) };
  }
}
