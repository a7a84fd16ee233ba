import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Where copies may be made: the directory that was named; else one below the state directory, which often has the room, and
 * the machine's own for temporary files, which every account can reach.
 */
export function scratchPlaces(
  named: string | undefined,
  stateDirectory: string | undefined,
): readonly string[] {
  if (named !== undefined) return [named];
  const own = join(tmpdir(), 'larder-scratch');
  return stateDirectory === undefined ? [own] : [join(stateDirectory, 'scratch'), own];
}
