import type { Measurement } from '../measure.ts';
import type { LarderPeer } from '../peers/larder.ts';
import type { AddedBytes, Peer } from '../peers/peer.ts';

/** What takes a backup after each change, and is measured. */
export interface Contender {
  readonly name: string;
  readonly version: string;
  /** Before the first change; not measured. */
  begin(): Promise<void>;
  /** Before each backup; not measured. */
  ready(): Promise<void>;
  backup(): Promise<Measurement>;
  /** Of the newest backup. */
  addedBytes(): Promise<AddedBytes>;
}

/** A full backup at the beginning, and incremental ones that build on one another. */
export function chainOf(peer: Peer): Contender {
  return {
    name: peer.name,
    version: peer.version,
    begin: async () => {
      await peer.prepare();
      await peer.backup();
    },
    ready: async () => Promise.resolve(),
    backup: async () => peer.incremental(),
    addedBytes: async () => peer.addedBytes(),
  };
}

/** Larder's full backup each time, into an empty repository. */
export function fullBackups(peer: LarderPeer): Contender {
  return {
    name: FULL_BACKUPS,
    version: peer.version,
    begin: async () => Promise.resolve(),
    ready: async () => peer.prepare(),
    backup: async () => peer.backup(),
    addedBytes: async () => peer.addedBytes(),
  };
}

export const FULL_BACKUPS = 'Larder, full';
