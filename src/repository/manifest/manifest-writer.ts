import type { ObjectStore } from '../../storage/object-store.ts';
import type { FrameReference } from '../frames/frame.ts';
import { FramedObjectWriter, type StoredObject } from '../frames/framed-object.ts';
import { writeRecord } from '../frames/records.ts';
import { ExtentList } from './extents.ts';
import {
  encodeRecord,
  FRAMES_PER_RECORD,
  type ChainMember,
  type DirectoryEntry,
  type FileEntry,
  type ManifestRecord,
} from './records.ts';

/** What a manifest is written from. */
export interface ManifestContent {
  /** The backups the frames lie in, this one last; a full backup may leave it out. */
  readonly chain?: readonly ChainMember[];
  readonly frames: readonly FrameReference[];
  readonly entries: Iterable<FileEntry | DirectoryEntry>;
}

/**
 * Stores a manifest: the chain, every frame, then every file and directory, then the totals. Records follow each other with
 * their length before them.
 */
export async function writeManifest(
  store: ObjectStore,
  name: string,
  content: ManifestContent,
): Promise<StoredObject> {
  const object = await FramedObjectWriter.open(store, name, 'manifest', 3);
  try {
    for (const record of records(content)) await writeRecord(object, encodeRecord(record));
    return await object.commit();
  } catch (error) {
    await object.abort();
    throw error;
  }
}

function* records(content: ManifestContent): Generator<ManifestRecord> {
  const totals = { files: 0, directories: 0, bytes: 0 };
  const { chain = [] } = content;
  if (chain.length > 1) yield { kind: 'chain', members: chain };
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
  const [first, ...more] = ExtentList.of(file.extents).parts;
  yield { ...file, extents: new ExtentList(first === undefined ? [] : [first]) };
  for (const part of more) yield { kind: 'extents', extents: new ExtentList([part]) };
}
