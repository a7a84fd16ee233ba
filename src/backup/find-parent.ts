import { toLarderError } from '../errors.ts';
import { readCatalogue } from '../repository/catalogue.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import { backupPrefix } from '../repository/layout.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { chooseParent, type ParentQuestion } from './chain.ts';
import { readParent, type ParentBackup } from './intake/parent-backup.ts';

/** What the next backup builds on, or why it has to be a full one. */
export type FoundParent =
  | { readonly kind: 'incremental'; readonly parent: ParentBackup }
  | { readonly kind: 'full'; readonly because: string };

/**
 * Finds the backup that the next incremental one builds on, and looks at it: every object of its chain is there with its
 * size, and its manifest can be read. One that is damaged is passed over for an older one of its chain.
 * @throws LarderError what keeps the repository from being looked at: that is no reason for a full backup
 */
export async function findParent(store: ObjectStore, question: ParentQuestion): Promise<FoundParent> {
  let catalogue = await readCatalogue(store);
  let damage: string | undefined;
  for (;;) {
    const choice = chooseParent(catalogue, question);
    if (choice.kind === 'full') return { kind: 'full', because: damage ?? choice.because };
    const parent = choice.chain.at(-1);
    const problem = await chainDamage(store, choice.chain);
    const read = problem === undefined && parent !== undefined ? await readOrDamage(store, parent) : problem;
    if (typeof read === 'object') return { kind: 'incremental', parent: read };
    damage ??= read;
    catalogue = { ...catalogue, backups: catalogue.backups.filter(({ id }) => id !== parent?.id) };
  }
}

async function chainDamage(store: ObjectStore, chain: readonly CommitRecord[]): Promise<string | undefined> {
  for (const { id, objects } of chain) {
    const found = new Map<string, number>();
    for await (const { name, size } of store.list(backupPrefix(id))) found.set(name, size);
    const damaged = objects.find(({ name, size }) => found.get(name) !== size);
    if (damaged !== undefined)
      return `${damaged.name} of the chain is ${found.has(damaged.name) ? 'damaged' : 'missing'}`;
  }
  return undefined;
}

async function readOrDamage(store: ObjectStore, record: CommitRecord): Promise<ParentBackup | string> {
  try {
    return await readParent(store, record);
  } catch (thrown) {
    const error = toLarderError(thrown);
    if (error.code === 'OBJECT_DAMAGED' || error.code === 'OBJECT_MISSING') return error.message;
    throw error;
  }
}
