import { HASH_LENGTH } from '../../repository/block-hashes.ts';

/**
 * Which units are not as they were: first unit and number of units of each stretch, ascending.
 * @param earlier may hold fewer; units without one count as changed
 */
export function changedUnits(hashes: Buffer, earlier: Buffer | undefined): (readonly [number, number])[] {
  const changed: (readonly [number, number])[] = [];
  const units = hashes.length / HASH_LENGTH;
  let first: number | undefined;
  for (let unit = 0; unit <= units; unit++) {
    if (unit < units && !isEqual(hashes, earlier, unit * HASH_LENGTH)) {
      first ??= unit;
    } else if (first !== undefined) {
      changed.push([first, unit - first]);
      first = undefined;
    }
  }
  return changed;
}

function isEqual(hashes: Buffer, earlier: Buffer | undefined, place: number): boolean {
  if (earlier === undefined || place + HASH_LENGTH > earlier.length) return false;
  return hashes.compare(earlier, place, place + HASH_LENGTH, place, place + HASH_LENGTH) === 0;
}
