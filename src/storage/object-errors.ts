import { LarderError } from '../errors.ts';

/** The store has said that there is no such object. */
export function missing(store: string, name: string): LarderError {
  return new LarderError('OBJECT_MISSING', `${name} is not in ${store}`, {
    hint: 'it was removed from outside, or retention removed it meanwhile: list the backups again',
  });
}

/** The object is there and is not what was stored. */
export function damaged(name: string, how: string): LarderError {
  return new LarderError('OBJECT_DAMAGED', `${name} is damaged: ${how}`, {
    hint: 'verify the backup it belongs to, and take a new full backup',
  });
}

/** The name is taken; objects are never overwritten. */
export function exists(store: string, name: string): LarderError {
  return new LarderError('OBJECT_EXISTS', `${name} is already in ${store}`, {
    hint: 'objects are never overwritten: compare the two, and look for a second writer of this repository',
  });
}
