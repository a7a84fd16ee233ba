import { LarderError, toLarderError, type ErrorCode } from '../errors.ts';
import type { PreflightRow } from '../postgres/preflight/row.ts';
import { plural, printable } from '../format.ts';

/** One line of `larder check`. */
export interface CheckRow extends PreflightRow {
  /** Of a row that is an error: what the command ends with. */
  readonly code?: ErrorCode;
}

/** The row of a look that `look` takes; an error it throws becomes the row, with its hint as the mend. */
export async function lookAt(name: string, look: () => Promise<Omit<CheckRow, 'name'>>): Promise<CheckRow> {
  try {
    return { name, ...(await look()) };
  } catch (error) {
    return errorRow(name, toLarderError(error));
  }
}

export function errorRow(name: string, { code, message, hint }: LarderError): CheckRow {
  return { name, state: 'error', found: message, code, ...(hint === undefined ? {} : { mend: hint }) };
}

const WORDS = { ok: 'ok', warning: 'warning', error: 'ERROR', unknown: 'unknown' } as const;
/** SGR codes: green, yellow, red, cyan. */
const COLOURS = { ok: 32, warning: 33, error: 31, unknown: 36 } as const;
const WORD_WIDTH = 7;

/** The rows one below the other, each warning and error with its mend, and their count. */
export function checkText(rows: readonly CheckRow[], coloured: boolean): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  const lines = rows.flatMap(({ name, state, found, mend }) => {
    const word = WORDS[state].padEnd(WORD_WIDTH);
    const shown = coloured ? `\u001b[${COLOURS[state]}m${word}\u001b[0m` : word;
    const line = `${shown}  ${name.padEnd(width)}  ${printable(found)}`;
    const indent = ' '.repeat(WORD_WIDTH + 2 + width + 2);
    return mend === undefined ? [line] : [line, `${indent}mend: ${printable(mend)}`];
  });
  return `${lines.join('\n')}\n\n${countText(rows)}\n`;
}

/** What the command ends with: the first error's code; `undefined` when there is none. */
export function checkError(rows: readonly CheckRow[]): LarderError | undefined {
  const errors = rows.filter(({ state }) => state === 'error');
  const [first] = errors;
  if (first === undefined) return undefined;
  const names = errors.map(({ name }) => name).join(', ');
  return new LarderError(
    first.code ?? 'SERVER_SETTING',
    `${plural(errors.length, 'check')} failed: ${names}`,
    {
      hint: 'Each has its mend beside it.',
    },
  );
}

function countText(rows: readonly CheckRow[]): string {
  const count = (state: CheckRow['state']): number => rows.filter((row) => row.state === state).length;
  return `${plural(rows.length, 'check')}: ${count('ok')} ok, ${plural(count('warning'), 'warning')}, ${plural(count('error'), 'error')}, ${count('unknown')} unknown`;
}
