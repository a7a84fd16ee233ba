import type { ServerIdentity } from '../postgres/replication/server-identity.ts';
import type { FrameWriter } from '../repository/frames/frame-writer.ts';
import type { ObjectStore, StoreLocation } from '../storage/object-store.ts';
import type { ChangesFrom } from './changes-from.ts';
import { ChangedBlocksIntake } from './intake/changed-blocks.ts';
import { ComparedFilesIntake } from './intake/compared-files.ts';
import type { Intake } from './intake/intake.ts';
import type { ParentBackup } from './intake/parent-backup.ts';
import { WholeFilesIntake } from './intake/whole-files.ts';

export interface IntakeRequest {
  readonly id: string;
  readonly store: ObjectStore;
  readonly location: StoreLocation;
  readonly workers: number;
  /** Of this backup; ended with the intake. */
  readonly frames: FrameWriter;
  readonly changesFrom: ChangesFrom;
  readonly identity: ServerIdentity;
  /** undefined for a full backup. */
  readonly parent: ParentBackup | undefined;
}

/** The intake that fits the server: it tells changes by itself, or all that it sends is compared. */
export async function openIntake(request: IntakeRequest): Promise<Intake> {
  const { id, frames, identity, parent, changesFrom } = request;
  try {
    if (changesFrom === 'comparison') return await ComparedFilesIntake.open(request);
    if (parent === undefined) return new WholeFilesIntake(id, frames);
    const { blockSize, relationFileSize } = identity;
    const sizes = { blockSize, segmentBlocks: relationFileSize / blockSize };
    return new ChangedBlocksIntake(id, frames, { parent, sizes });
  } catch (error) {
    await frames.abort();
    throw error;
  }
}
