import type { Clock } from '../clock.ts';
import { toLarderError } from '../errors.ts';
import type { ObjectInfo, ObjectStore, ObjectWriter } from '../storage/object-store.ts';

export const STORE_OPERATIONS = ['put', 'get', 'stat', 'list', 'delete'] as const;
export type StoreOperation = (typeof STORE_OPERATIONS)[number];

/** Told of each call to a store once it is over. */
export type StoreListener = (call: {
  readonly operation: StoreOperation;
  readonly seconds: number;
  readonly failed: boolean;
}) => void;

/** What a store that works says too. */
const ANSWERS = ['OBJECT_MISSING', 'OBJECT_EXISTS', 'OBJECT_DAMAGED'];

/** The same store; the listener is told how long each call took and whether the store failed. */
export function watchedStore(store: ObjectStore, clock: Clock, listener: StoreListener): ObjectStore {
  const timed = async <T>(operation: StoreOperation, call: () => Promise<T>): Promise<T> => {
    const begun = clock.monotonic();
    const over = (failed: boolean): void =>
      listener({ operation, seconds: (clock.monotonic() - begun) / 1000, failed });
    try {
      const value = await call();
      over(false);
      return value;
    } catch (error) {
      over(!ANSWERS.includes(toLarderError(error).code));
      throw error;
    }
  };
  return {
    description: store.description,
    putIfAbsent: (name, bytes) => timed('put', () => store.putIfAbsent(name, bytes)),
    replace: (name, bytes) => timed('put', () => store.replace(name, bytes)),
    create: async (name) => watchedWriter(await timed('put', () => store.create(name)), timed),
    get: (name, limit) => timed('get', () => store.get(name, limit)),
    readInto: (name, offset, target) => timed('get', () => store.readInto(name, offset, target)),
    stat: (name) => timed('stat', () => store.stat(name)),
    list: (prefix) => watchedListing(store.list(prefix), clock, listener),
    delete: (name) => timed('delete', () => store.delete(name)),
    sweepUnfinished: () => timed('delete', () => store.sweepUnfinished()),
    capacity: () => timed('stat', () => store.capacity()),
  };
}

/** A large object counts once more when it becomes durable, which is where a store fails. */
function watchedWriter(
  writer: ObjectWriter,
  timed: (operation: StoreOperation, call: () => Promise<void>) => Promise<void>,
): ObjectWriter {
  return {
    append: (bytes) => writer.append(bytes),
    commit: () => timed('put', () => writer.commit()),
    abort: () => writer.abort(),
  };
}

/** Counts the time in which the store was waited for, not what is done with each object meanwhile. */
async function* watchedListing(
  listing: AsyncIterable<ObjectInfo>,
  clock: Clock,
  listener: StoreListener,
): AsyncGenerator<ObjectInfo> {
  let [waited, failed] = [0, false];
  let asked: number | undefined = clock.monotonic();
  const answered = (): void => {
    if (asked !== undefined) waited += clock.monotonic() - asked;
    asked = undefined;
  };
  try {
    for await (const object of listing) {
      answered();
      yield object;
      asked = clock.monotonic();
    }
  } catch (error) {
    failed = true;
    throw error;
  } finally {
    answered();
    listener({ operation: 'list', seconds: waited / 1000, failed });
  }
}
