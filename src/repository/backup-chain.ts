import type { CommitRecord } from './commit-record.ts';

/**
 * The backups that a backup is made of, the full one first, itself last; a full one alone.
 * @returns undefined where one is missing, or they are not of one chain: such a backup cannot be restored
 */
export function chainOf(
  backup: CommitRecord,
  byId: ReadonlyMap<string, CommitRecord>,
): CommitRecord[] | undefined {
  const chain = [backup];
  for (let next: CommitRecord | undefined = backup; next.parent !== null;) {
    next = byId.get(next.parent);
    if (next === undefined || chain.includes(next)) return undefined;
    chain.unshift(next);
  }
  return chain[0]?.id === backup.chain && chain[0].type === 'full' ? chain : undefined;
}
