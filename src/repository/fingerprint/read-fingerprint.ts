import { LarderError, toLarderError } from '../../errors.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { CommitRecord } from '../commit-record.ts';
import { readFramedObject } from '../frames/framed-object.ts';
import { splitRecords } from '../frames/records.ts';
import { fingerprintName } from '../layout.ts';
import { decodeFingerprintRecord, type FingerprintRecord } from './records.ts';
import type { DatabaseFingerprint, FingerprintObject, SchemaFingerprint } from './schema-fingerprint.ts';

/** How the warning of a backup begins whose fingerprint could not be taken. */
export const NO_FINGERPRINT = 'no fingerprint was taken: ';

/** Why a backup has no fingerprint, in words. */
export function whyNoFingerprint({ warnings, larderVersion }: CommitRecord): string {
  const warning = warnings.find((text) => text.startsWith(NO_FINGERPRINT));
  return warning ?? `Larder ${larderVersion}, which took this backup, took no fingerprint with it`;
}

/**
 * The fingerprint of a backup; `undefined` when its commit record lists none (`whyNoFingerprint`).
 * @throws LarderError OBJECT_MISSING, OBJECT_DAMAGED, REPOSITORY_NEWER_FORMAT, REPOSITORY_UNREACHABLE
 */
export async function readFingerprint(
  store: ObjectStore,
  backup: CommitRecord,
): Promise<SchemaFingerprint | undefined> {
  const name = fingerprintName(backup.id);
  if (!backup.objects.some((object) => object.name === name)) return undefined;
  const collector = new Collector(name);
  let rest: Buffer = Buffer.alloc(0);
  for await (const content of readFramedObject(store, name, 'fingerprint'))
    rest = splitRecords(Buffer.concat([rest, content]), (bytes) => collector.add(bytes));
  if (rest.length > 0) throw damaged(name, 'it ends in the middle of a record');
  return collector.finish();
}

class Collector {
  readonly #name: string;
  readonly #databases: (DatabaseFingerprint & { readonly objects: FingerprintObject[] })[] = [];
  #cluster: Omit<SchemaFingerprint, 'databases'> | undefined;
  #objects = 0;
  #ended = false;

  constructor(name: string) {
    this.#name = name;
  }

  add(bytes: Buffer): void {
    const record = this.#decode(bytes);
    if (this.#ended) throw damaged(this.#name, 'it goes on after its end');
    if ((record.kind === 'cluster') !== (this.#cluster === undefined))
      throw damaged(this.#name, 'it does not begin with the cluster, once');
    switch (record.kind) {
      case 'cluster':
        this.#cluster = { settledBefore: record.settledBefore, server: record.server };
        return;
      case 'database':
        this.#databases.push({ ...record.database, objects: [] });
        return;
      case 'object':
        return this.#addObject(record.object);
      case 'end':
        this.#ended = record.databases === this.#databases.length && record.objects === this.#objects;
        if (!this.#ended) throw damaged(this.#name, 'its totals do not agree with what it lists');
    }
  }

  finish(): SchemaFingerprint {
    if (!this.#ended || this.#cluster === undefined) throw damaged(this.#name, 'it has no end');
    return { ...this.#cluster, databases: this.#databases };
  }

  #addObject(object: FingerprintObject): void {
    const database = this.#databases.at(-1);
    if (database === undefined) throw damaged(this.#name, 'it has an object without a database');
    database.objects.push(object);
    this.#objects += 1;
  }

  #decode(bytes: Buffer): FingerprintRecord {
    try {
      return decodeFingerprintRecord(bytes);
    } catch (error) {
      throw damaged(this.#name, toLarderError(error).message);
    }
  }
}

function damaged(name: string, what: string): LarderError {
  return new LarderError('OBJECT_DAMAGED', `${name} is damaged: ${what}`);
}
