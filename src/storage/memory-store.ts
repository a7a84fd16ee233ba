import type { Clock } from '../clock.ts';
import { LarderError } from '../errors.ts';
import { damaged, exists, missing } from './object-errors.ts';
import { assertObjectName, assertObjectPrefix } from './object-name.ts';
import type { ObjectInfo, ObjectStore, ObjectWriter } from './object-store.ts';

interface Held {
  readonly bytes: Uint8Array;
  readonly modified: number;
}

/** A store in this process's memory: for tests and rehearsals, held to the same contract as the others. */
export function openMemoryStore(clock: Clock): ObjectStore {
  return new MemoryStore(clock);
}

class MemoryStore implements ObjectStore {
  readonly description = 'memory';
  readonly #clock: Clock;
  readonly #objects = new Map<string, Held>();
  readonly #unfinished = new Set<ObjectWriter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  putIfAbsent(name: string, bytes: Uint8Array): Promise<void> {
    return Promise.try(() => {
      this.#put(name, bytes);
    });
  }

  replace(name: string, bytes: Uint8Array): Promise<void> {
    return Promise.try(() => {
      assertObjectName(name);
      this.#objects.delete(name);
      this.#put(name, bytes);
    });
  }

  create(name: string): Promise<ObjectWriter> {
    return Promise.try(() => {
      assertObjectName(name);
      const writer = new MemoryWriter({
        publish: (bytes) => {
          if (!this.#unfinished.has(writer)) throw ended(name);
          this.#put(name, bytes);
        },
        end: () => this.#unfinished.delete(writer),
      });
      this.#unfinished.add(writer);
      return writer;
    });
  }

  get(name: string, limit: number): Promise<Uint8Array> {
    return Promise.try(() => {
      const { bytes } = this.#held(name);
      if (bytes.length > limit) {
        throw damaged(name, `it has ${bytes.length} bytes, and at most ${limit} were expected`);
      }
      return Uint8Array.from(bytes);
    });
  }

  readInto(name: string, offset: number, target: Uint8Array): Promise<void> {
    return Promise.try(() => {
      const found = this.#held(name).bytes.subarray(offset, offset + target.length);
      target.set(found);
      if (found.length < target.length) {
        throw damaged(name, `it ends at byte ${offset + found.length}, and more was expected`);
      }
    });
  }

  stat(name: string): Promise<ObjectInfo | undefined> {
    return Promise.try(() => {
      assertObjectName(name);
      const held = this.#objects.get(name);
      return held === undefined ? undefined : info(name, held);
    });
  }

  async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    assertObjectPrefix(prefix);
    for (const [name, held] of [...this.#objects]) {
      if (name.startsWith(prefix)) yield await Promise.resolve(info(name, held));
    }
  }

  delete(name: string): Promise<void> {
    return Promise.try(() => {
      assertObjectName(name);
      this.#objects.delete(name);
    });
  }

  sweepUnfinished(): Promise<number> {
    const swept = this.#unfinished.size;
    this.#unfinished.clear();
    return Promise.resolve(swept);
  }

  capacity(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  #put(name: string, bytes: Uint8Array): void {
    assertObjectName(name);
    if (this.#objects.has(name)) throw exists(this.description, name);
    this.#objects.set(name, { bytes: Uint8Array.from(bytes), modified: this.#clock.now() });
  }

  #held(name: string): Held {
    assertObjectName(name);
    const held = this.#objects.get(name);
    if (held === undefined) throw missing(this.description, name);
    return held;
  }
}

class MemoryWriter implements ObjectWriter {
  readonly #pieces: Uint8Array[] = [];
  readonly #store: { publish(bytes: Uint8Array): void; end(): void };

  constructor(store: { publish(bytes: Uint8Array): void; end(): void }) {
    this.#store = store;
  }

  append(bytes: Uint8Array): Promise<void> {
    this.#pieces.push(Uint8Array.from(bytes));
    return Promise.resolve();
  }

  commit(): Promise<void> {
    return Promise.try(() => {
      this.#store.publish(Buffer.concat(this.#pieces));
    }).finally(() => {
      this.#store.end();
    });
  }

  abort(): Promise<void> {
    this.#store.end();
    return Promise.resolve();
  }
}

function info(name: string, { bytes, modified }: Held): ObjectInfo {
  return { name, size: bytes.length, modified };
}

function ended(name: string): LarderError {
  return new LarderError('REPOSITORY_UNREACHABLE', `cannot store ${name} in memory: its writer has ended`, {
    hint: 'store it again from the start',
  });
}
