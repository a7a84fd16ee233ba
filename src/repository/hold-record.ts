import * as z from 'zod';
import { LarderError, toLarderError } from '../errors.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { HOLDS_PREFIX, holdName, parseHoldName, releaseName } from './layout.ts';
import { decodeSealedJson, encodeSealedJson, formatVersion } from './sealed-json.ts';

const person = z.strictObject({ user: z.string(), host: z.string() });

const holdSchema = z.strictObject({
  formatVersion,
  backup: z.string(),
  until: z.iso.datetime(),
  reason: z.string(),
  placed: z.iso.datetime(),
  by: person,
});

const releaseSchema = z.strictObject({
  formatVersion,
  backup: z.string(),
  reason: z.string().nullable(),
  released: z.iso.datetime(),
  by: person,
});

/** Keeps a backup, with all that it builds on, until a time, whatever the policy says. Times are ISO 8601, UTC. */
export type HoldRecord = z.infer<typeof holdSchema>;
/** Ends a hold before its time. */
export type ReleaseRecord = z.infer<typeof releaseSchema>;

/** A hold as it is stored; both records stay for ever, so that anybody can see who kept what, and why. */
export interface StoredHold {
  readonly name: string;
  readonly backup: string;
  /** undefined where the record cannot be read: then it holds. */
  readonly hold: HoldRecord | undefined;
  /** Why it cannot be read. */
  readonly problem: LarderError | undefined;
  /** undefined also where the release cannot be read: then it holds on. */
  readonly release: ReleaseRecord | undefined;
}

const RECORD_LIMIT = 64 * 1024;

/** Whether a hold keeps its backup at a time, ms since 1970 UTC. */
export function isActive({ hold, release }: StoredHold, now: number): boolean {
  return release === undefined && (hold === undefined || now < Date.parse(hold.until));
}

/**
 * Stores a hold under the second it was placed in, or the next one that is free.
 * @returns the object's name
 */
export async function writeHold(store: ObjectStore, hold: HoldRecord): Promise<string> {
  for (let time = Date.parse(hold.placed); ; time += 1000) {
    const name = holdName(hold.backup, time);
    if (await putUnlessThere(store, name, hold)) return name;
  }
}

/** Ends a hold; one that is released already stays as it is. */
export async function writeRelease(store: ObjectStore, hold: string, release: ReleaseRecord): Promise<void> {
  await putUnlessThere(store, releaseName(hold), release);
}

async function putUnlessThere(store: ObjectStore, name: string, record: object): Promise<boolean> {
  try {
    await store.putIfAbsent(name, encodeSealedJson(record));
    return true;
  } catch (error) {
    if (error instanceof LarderError && error.code === 'OBJECT_EXISTS') return false;
    throw error;
  }
}

/** Every hold of one backup, or of all, in the order they were placed. Throws what keeps the store from answering. */
export async function readHolds(store: ObjectStore, backup?: string): Promise<StoredHold[]> {
  const holds = new Map<string, string>();
  const released = new Set<string>();
  for await (const { name } of store.list(
    backup === undefined ? HOLDS_PREFIX : `${HOLDS_PREFIX}${backup}.`,
  )) {
    const parsed = parseHoldName(name);
    if (parsed === undefined) continue;
    if (parsed.released) released.add(parsed.hold);
    else holds.set(parsed.hold, parsed.backup);
  }
  const found: StoredHold[] = [];
  for (const [name, of] of holds) {
    const { record: hold, problem } = await read(store, { name, backup: of, schema: holdSchema });
    const release = released.has(name)
      ? (await read(store, { name: releaseName(name), backup: of, schema: releaseSchema })).record
      : undefined;
    found.push({ name, backup: of, hold, problem, release });
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function read<T extends { readonly backup: string }>(
  store: ObjectStore,
  { name, backup, schema }: { readonly name: string; readonly backup: string; readonly schema: z.ZodType<T> },
): Promise<{ readonly record: T | undefined; readonly problem: LarderError | undefined }> {
  try {
    const parsed = schema.safeParse(decodeSealedJson(await store.get(name, RECORD_LIMIT), name));
    if (parsed.success && parsed.data.backup === backup) return { record: parsed.data, problem: undefined };
    throw new LarderError('OBJECT_DAMAGED', `${name} is not the record of a hold`);
  } catch (thrown) {
    const problem = toLarderError(thrown);
    // a store that does not answer is no verdict
    if (!['OBJECT_DAMAGED', 'OBJECT_MISSING', 'REPOSITORY_NEWER_FORMAT'].includes(problem.code)) throw thrown;
    return { record: undefined, problem };
  }
}
