import { LarderError } from '../errors.ts';
import type { StoreLocation } from '../storage/object-store.ts';

/** The directories a restore touches. */
export interface Places {
  readonly request: { readonly location: StoreLocation };
  readonly target: { readonly path: string };
  readonly tablespaces: readonly { readonly directory: string; readonly linked: boolean }[];
}

/**
 * No target may lie inside another, nor in the repository, nor around it.
 * @throws LarderError RESTORE_REFUSED
 */
export function assertSeparate({ request, target, tablespaces }: Places): void {
  const places = [
    { what: 'the repository', path: request.location.directory },
    { what: '--to-dir', path: target.path },
    ...tablespaces
      .filter(({ linked }) => linked)
      .map(({ directory }) => ({ what: 'a tablespace', path: directory })),
  ];
  places.forEach((one, index) => {
    for (const other of places.slice(index + 1)) {
      if (!isWithin(one.path, other.path) && !isWithin(other.path, one.path)) continue;
      throw new LarderError(
        'RESTORE_REFUSED',
        `${other.path} (${other.what}) and ${one.path} (${one.what}) lie inside each other`,
        {
          hint: 'Choose directories that lie apart.',
        },
      );
    }
  });
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith('/') ? outer : `${outer}/`);
}
