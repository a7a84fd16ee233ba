import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { syncPath, type Owner } from './durable.ts';

/** Stands in a directory from the first write of a restore to its last: what lies beside it is ours and unfinished. */
export const UNFINISHED_MARKER = 'larder_restore_unfinished';

/** The marker's content: for people, and for `restore --delta`, which has to know whose copy a broken-off restore left. */
export function unfinishedMarker(
  { id, systemIdentifier }: { readonly id: string; readonly systemIdentifier: string },
  now: number,
): string {
  return `${JSON.stringify({ backup: id, systemIdentifier, began: new Date(now).toISOString() })}\n`;
}

/** The system identifier that a marker names; `undefined` where it was cut short, or written before there was one in it. */
export function markedSystem(text: string): string | undefined {
  return /^\{.*"systemIdentifier":"(\d+)".*\}\n$/.exec(text)?.[1];
}

/**
 * Marks the directory as ours and unfinished, durably. The marker is made under its own name: dying must leave no other file
 * first, which the next restore would take for a stranger's.
 */
export async function markUnfinished(
  directory: string,
  text: string,
  owner: Owner | undefined,
): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  const handle = await open(join(directory, UNFINISHED_MARKER), flags, 0o600);
  try {
    if (owner !== undefined) await handle.chown(owner.uid, owner.gid);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncPath(directory);
}
