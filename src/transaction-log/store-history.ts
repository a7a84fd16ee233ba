import { LarderError } from '../errors.ts';
import { parseTimelineHistory, type TimelineHistory } from '../postgres/timeline-history.ts';
import { FramedObjectWriter } from '../repository/frames/framed-object.ts';
import { historyObject } from '../repository/wal/wal-layout.ts';
import { readHistoryText } from '../repository/wal/wal-index.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/**
 * Stores a timeline's history, which must be there before any segment of that timeline: without it nobody could tell what
 * those segments follow.
 * @throws LarderError OBJECT_DAMAGED when the text is no history; OBJECT_EXISTS when another one is stored; the store's errors
 */
export async function storeHistory(
  store: ObjectStore,
  systemIdentifier: string,
  { timeline, text }: { readonly timeline: number; readonly text: string },
): Promise<TimelineHistory> {
  const history = parseTimelineHistory(text, timeline);
  const name = historyObject(systemIdentifier, timeline);
  if ((await store.stat(name)) === undefined) await write(store, name, text);
  const stored = await readHistoryText(store, systemIdentifier, timeline);
  if (stored.toString('utf8') === text) return history;
  throw new LarderError('OBJECT_EXISTS', `${name} is stored already, with another text than the server has`, {
    hint: 'Two servers made the same timeline: give each of them its own BACKUP_DIR.',
  });
}

async function write(store: ObjectStore, name: string, text: string): Promise<void> {
  const writer = await FramedObjectWriter.open(store, name, 'history', 1);
  try {
    await writer.write(Buffer.from(text, 'utf8'));
    await writer.commit();
  } catch (error) {
    await writer.abort();
    if (!(error instanceof LarderError) || error.code !== 'OBJECT_EXISTS') throw error;
  }
}
