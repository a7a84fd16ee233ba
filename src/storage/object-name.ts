import { LarderError } from '../errors.ts';

const PART = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** What the narrowest filesystem takes for one part, in bytes (names are ASCII, so characters too). */
const LONGEST_PART = 255;
/** Object stores take 1,024 bytes of key; the rest is left for a bucket's prefix. */
const LONGEST_NAME = 1000;

/** Whether `name` can be an object's: parts of letters, digits, `.`, `_` and `-`, joined by `/`, none with `..`. */
export function isObjectName(name: string): boolean {
  return name.length <= LONGEST_NAME && name.split('/').every(isPart);
}

/**
 * Refuses a name that could leave the repository, or that some store cannot hold. Names are built by us, so one that is
 * refused here is a fault of ours: INTERNAL.
 */
export function assertObjectName(name: string): void {
  if (!isObjectName(name)) throw refused('object name', name);
}

/** The same for what `list` takes: the beginning of a name, cut anywhere. The empty string means everything. */
export function assertObjectPrefix(prefix: string): void {
  const parts = prefix.split('/');
  const cut = parts.pop() ?? '';
  const valid = prefix.length <= LONGEST_NAME && parts.every(isPart) && (cut === '' || isPart(cut));
  if (!valid) throw refused('object prefix', prefix);
}

function isPart(part: string): boolean {
  return part.length <= LONGEST_PART && PART.test(part) && !part.includes('..');
}

function refused(what: string, value: string): LarderError {
  return new LarderError('INTERNAL', `${what} ${JSON.stringify(value.slice(0, 300))} is not allowed`, {
    hint: 'this is a fault in larder: please report it with the command that led to it',
  });
}
