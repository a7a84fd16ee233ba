import type { CommitRecord } from '../../repository/commit-record.ts';
import { readManifest, type Manifest } from '../../repository/manifest/manifest-reader.ts';
import type { ChainMember, FileEntry } from '../../repository/manifest/records.ts';
import type { ObjectStore } from '../../storage/object-store.ts';

/** The backup that an incremental one builds on, with what its manifest says. */
export interface ParentBackup {
  readonly record: CommitRecord;
  readonly manifest: Manifest;
  readonly files: ReadonlyMap<string, FileEntry>;
}

/** @throws LarderError OBJECT_MISSING, OBJECT_DAMAGED, the store's errors */
export async function readParent(store: ObjectStore, record: CommitRecord): Promise<ParentBackup> {
  const manifest = await readManifest(store, record.id);
  return { record, manifest, files: new Map(manifest.files.map((file) => [file.path, file])) };
}

/** The chain of a backup with so many frames of its own, after its parent's. */
export function chainWith(parent: ParentBackup | undefined, id: string, frames: number): ChainMember[] {
  return [...(parent?.manifest.chain ?? []), { id, frames }];
}
