import { inspect } from 'node:util';

const MASK = '***';

/** A value that prints as `***` wherever it turns up: in text, JSON, logs and stack traces. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Hand it to what needs it and to nothing that prints. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}
