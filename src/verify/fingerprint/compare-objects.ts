import { OBJECT_KINDS, type CatalogObjectKind } from '../../postgres/sql/fingerprint/look.ts';
import type { FingerprintObject } from '../../repository/fingerprint/schema-fingerprint.ts';
import { counted, type AnswerBuilder } from './answer.ts';
import type { DatabasePair } from './database-pair.ts';

/** What was compared, of all databases. */
export class ObjectTally {
  #databases = 0;
  #changing = 0;
  readonly #kinds = new Map<CatalogObjectKind, number>();

  database(): void {
    this.#databases += 1;
  }

  object({ kind, presence }: FingerprintObject): void {
    this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + 1);
    if (presence !== 'steady') this.#changing += 1;
  }

  get detail(): string {
    const parts = OBJECT_KINDS.flatMap((kind) => {
      const count = this.#kinds.get(kind);
      return count === undefined ? [] : [counted(count, kind)];
    });
    const changing =
      this.#changing === 0
        ? ''
        : `; ${this.#changing} of them changed while the backup ran: any state passes`;
    return [counted(this.#databases, 'database'), ...parts].join(', ') + changing;
  }
}

/** Every object is in the copy, with the definition that it had, and no object that was not there. */
export function compareObjects(
  { expected, found }: DatabasePair,
  tally: ObjectTally,
  answer: AnswerBuilder,
): void {
  tally.database();
  const inCopy = new Map(found.objects.map((object) => [keyOf(object), object]));
  const known = new Set<string>();
  for (const object of expected.objects) {
    known.add(keyOf(object));
    tally.object(object);
    const copy = inCopy.get(keyOf(object));
    if (copy === undefined && object.presence !== 'passing')
      answer.finding(`${described(expected.name, object)} is missing from the copy`);
    if (copy !== undefined && object.presence === 'steady' && copy.digest !== object.digest)
      answer.finding(
        `${described(expected.name, object)} is defined otherwise in the copy (${copy.digest}) than in its source (${object.digest})`,
      );
  }
  for (const object of found.objects)
    if (object.settled && !known.has(keyOf(object)))
      answer.finding(`the copy has ${described(expected.name, object)}, which its source had not`);
}

function keyOf({ kind, oid }: Pick<FingerprintObject, 'kind' | 'oid'>): string {
  return `${kind} ${oid}`;
}

/** `table shop.public.orders`; functions of one name are told apart by their numbers. */
function described(
  database: string,
  { kind, schema, name, oid }: Pick<FingerprintObject, 'kind' | 'schema' | 'name' | 'oid'>,
): string {
  const path = [database, ...(schema === '' ? [] : [schema]), name].join('.');
  return kind === 'function' ? `function ${path} (${oid})` : `${kind} ${path}`;
}
