import { LarderError } from '../errors.ts';
import { addParameter } from './connection-parameters.ts';
import type { ConnectionParameters } from './connection-parameters.ts';

const PAIR = /\s*([^\s=]+)\s*=\s*('(?:[^'\\]|\\[^])*'|(?!')(?:[^\s\\]|\\[^])*)(?=\s|$)/y;

/**
 * libpq's `keyword = value` string: values with blanks, or empty, stand in single quotes; a backslash takes the next
 * character as it is. Throws CONFIG_INVALID; no message repeats a value.
 */
export function parseConninfo(text: string): ConnectionParameters {
  const parameters = new Map<string, string>();
  const trimmed = text.trim();
  let position = 0;
  while (position < trimmed.length) {
    PAIR.lastIndex = position;
    const match = PAIR.exec(trimmed);
    if (match === null) throw unreadable(parameters);
    addParameter(parameters, match[1] ?? '', unquote(match[2] ?? ''));
    position = PAIR.lastIndex;
  }
  return parameters;
}

function unquote(value: string): string {
  const inner = value.startsWith("'") ? value.slice(1, -1) : value;
  return inner.replaceAll(/\\([^])/g, '$1');
}

function unreadable(parameters: ConnectionParameters): LarderError {
  const last = [...parameters.keys()].at(-1);
  const where = last === undefined ? 'at its beginning' : `after the value of ${last}`;
  return new LarderError('CONFIG_INVALID', `the connection string cannot be read ${where}`, {
    hint: 'Write keyword=value pairs with blanks between them, values with blanks in single quotes, or a URL: postgresql://user@host:5432/database',
  });
}
