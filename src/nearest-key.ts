import { distance } from 'fastest-levenshtein';

/** ` (did you mean "port"?)` when a known name is near `given`, upper and lower case being the same; else nothing. */
export function didYouMean(given: string, known: readonly string[]): string {
  const nearest = nearestKey(given, known);
  return nearest === undefined ? '' : ` (did you mean "${nearest}"?)`;
}

/** The known name that `given` is most likely a slip of, or `undefined` when none is near. */
export function nearestKey(given: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let shortest = Math.max(2, Math.floor(given.length / 3)) + 1;
  for (const name of known) {
    const apart = distance(given.toLowerCase(), name.toLowerCase());
    if (apart < shortest) [nearest, shortest] = [name, apart];
  }
  return nearest;
}
