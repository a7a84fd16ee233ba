import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../../errors.ts';

/** How far back a change may lie that is dated with the kernel's coarser clock, milliseconds. */
export const CLOCK_TICK = 1000;

/**
 * Since when times of change tell what was written; undefined where they do not, and everything counts as written: once the
 * clock was set back, what was written since may look old.
 * @param passed milliseconds since then by a clock that nobody sets
 * @param clockPassed the same by the one that files are dated with
 */
export function believableSince(
  since: number | undefined,
  passed: number,
  clockPassed: number,
): number | undefined {
  return clockPassed < passed - CLOCK_TICK / 2 ? undefined : since;
}

/**
 * Of a copy's files, those that anybody has written to since then: a restore over it, the server's recovery, or a stranger. A
 * file's own time of change (ctime) is the kernel's, and nothing that runs there can set it back.
 * @param paths relative to the data directory
 * @param since milliseconds since 1970; undefined: all count
 */
export async function touchedFiles(
  dataDirectory: string,
  paths: readonly string[],
  since: number | undefined,
): Promise<Set<string>> {
  if (since === undefined) return new Set(paths);
  const touched = new Set<string>();
  for (const path of paths) {
    const changed = await changedAt(join(dataDirectory, path));
    // what is missing is for somebody else to find
    if (changed === undefined || changed >= since) touched.add(path);
  }
  return touched;
}

/**
 * The same of relations, each of which may have several files of 1 GiB.
 * @param relations their first files
 */
export async function touchedRelations(
  dataDirectory: string,
  relations: readonly string[],
  since: number | undefined,
): Promise<Set<string>> {
  const touched = await touchedFiles(dataDirectory, relations, since);
  for (const path of relations) {
    for (let segment = 1; !touched.has(path); segment++) {
      const changed = await changedAt(join(dataDirectory, `${path}.${segment}`));
      if (changed === undefined) break;
      if (changed >= (since ?? 0)) touched.add(path);
    }
  }
  return touched;
}

async function changedAt(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).ctimeMs;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
