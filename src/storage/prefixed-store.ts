import type { Capacity, ObjectInfo, ObjectStore, ObjectWriter } from './object-store.ts';

/** The objects of a store whose names begin with a prefix, under the rest of their names. */
export class PrefixedStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly #prefix: string;

  constructor(store: ObjectStore, prefix: string) {
    this.#store = store;
    this.#prefix = prefix;
  }

  get description(): string {
    return this.#store.description;
  }

  putIfAbsent(name: string, bytes: Uint8Array): Promise<void> {
    return this.#store.putIfAbsent(this.#prefix + name, bytes);
  }

  replace(name: string, bytes: Uint8Array): Promise<void> {
    return this.#store.replace(this.#prefix + name, bytes);
  }

  create(name: string): Promise<ObjectWriter> {
    return this.#store.create(this.#prefix + name);
  }

  get(name: string, limit: number): Promise<Uint8Array> {
    return this.#store.get(this.#prefix + name, limit);
  }

  readInto(name: string, offset: number, target: Uint8Array): Promise<void> {
    return this.#store.readInto(this.#prefix + name, offset, target);
  }

  async stat(name: string): Promise<ObjectInfo | undefined> {
    const found = await this.#store.stat(this.#prefix + name);
    return found === undefined ? undefined : this.#withoutPrefix(found);
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    for await (const found of this.#store.list(this.#prefix + prefix)) yield this.#withoutPrefix(found);
  }

  delete(name: string): Promise<void> {
    return this.#store.delete(this.#prefix + name);
  }

  sweepUnfinished(): Promise<number> {
    return this.#store.sweepUnfinished();
  }

  capacity(): Promise<Capacity | undefined> {
    return this.#store.capacity();
  }

  #withoutPrefix(found: ObjectInfo): ObjectInfo {
    return { ...found, name: found.name.slice(this.#prefix.length) };
  }
}
