import type { BigIntStats } from 'node:fs';

const SECOND = 1_000_000_000n;
/**
 * How far two changes may lie apart and still get the same time, nanoseconds: Linux dates a change by its last clock tick,
 * of which there are at least a hundred a second. Twice that.
 */
const TICKS = 20_000_000n;
/** Milliseconds after which the ticks of everything before are over. */
export const TICKS_OVER = 25;

/**
 * What changes with every change of a file, as text: device and inode, so that a copy is another file; size; the time of the last
 * change of its content, and that of its inode, which a write moves as well and nobody can set. Nanoseconds.
 */
export function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

/**
 * Whether whatever happens to a file from now on will show in its stamp.
 * @param now by the clock of its file system, nanoseconds: a change within the tick of the last one would have the same time.
 *   A whole second is a file system's that counts nothing finer (ext4 with inodes of 128 bytes).
 */
export function isSettled({ ctimeNs }: Pick<BigIntStats, 'ctimeNs'>, now: bigint): boolean {
  return ctimeNs % SECOND !== 0n && ctimeNs <= now - TICKS;
}

/**
 * File systems that date every change by the clock of this machine: `f_type` of statfs(2). On others (NFS, CIFS, FUSE, 9p)
 * somebody else may write, or the times be remembered ones.
 */
const LOCAL = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // btrfs
  0xf2f52010, // F2FS
  0x2fc12fc1, // ZFS
  0x01021994, // tmpfs
]);

/** @param type as statfs(2) gives it */
export function datesEveryChange(type: number): boolean {
  return LOCAL.has(type);
}
