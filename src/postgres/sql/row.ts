import { LarderError } from '../../errors.ts';

/** One row of a result, its values as PostgreSQL writes them. Readers throw PROTOCOL_VIOLATION on what they do not expect. */
export class Row {
  readonly #values: Readonly<Record<string, string | null>>;

  constructor(values: Readonly<Record<string, string | null>>) {
    this.#values = values;
  }

  text(column: string): string {
    const value = this.optionalText(column);
    return value ?? this.#refuse(column, 'a value');
  }

  /** `undefined` for NULL. */
  optionalText(column: string): string | undefined {
    const value = this.#values[column];
    if (value === undefined) return this.#refuse(column, 'a column');
    return value ?? undefined;
  }

  boolean(column: string): boolean {
    const value = this.text(column);
    if (value === 't') return true;
    return value === 'f' ? false : this.#refuse(column, 't or f');
  }

  /** A whole number that fits a double exactly. */
  integer(column: string): number {
    return this.#integer(column, this.text(column));
  }

  /** `undefined` for NULL. */
  optionalInteger(column: string): number | undefined {
    const value = this.optionalText(column);
    return value === undefined ? undefined : this.#integer(column, value);
  }

  #integer(column: string, text: string): number {
    const number = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
    return Number.isSafeInteger(number) ? number : this.#refuse(column, 'a whole number');
  }

  #refuse(column: string, expected: string): never {
    throw new LarderError('PROTOCOL_VIOLATION', `the server sent no ${expected} for ${column}`);
  }
}
