import type { CommitRecord } from './commit-record.ts';

/** What a commit record says of the chain its backup belongs to. */
export type ChainLink = Pick<CommitRecord, 'id' | 'type' | 'parent' | 'chain'>;

/**
 * The backups that a backup is made of, the full one first, itself last; a full one alone.
 * @returns undefined where one is missing, or they are not of one chain: such a backup cannot be restored
 */
export function chainOf<Link extends ChainLink>(
  backup: Link,
  byId: ReadonlyMap<string, Link>,
): Link[] | undefined {
  const chain = [backup];
  for (let next: Link | undefined = backup; next.parent !== null;) {
    next = byId.get(next.parent);
    if (next === undefined || chain.includes(next)) return undefined;
    chain.unshift(next);
  }
  return chain[0]?.id === backup.chain && chain[0].type === 'full' ? chain : undefined;
}
