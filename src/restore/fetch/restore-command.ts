import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { LarderError } from '../../errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { StoreLocation } from '../../storage/object-store.ts';
import type { RecoveryPlan } from '../recovery/recovery-plan.ts';

/** Of sources and of an installed build, which lie three directories below the package. */
const LARDER = fileURLToPath(new URL('../../../scripts/larder', import.meta.url));
const WRAPPER = new URL('../../../scripts/larder-wal-fetch', import.meta.url);

/** The wrapper's copy in the data directory, where the server's account can read it wherever Larder is installed. */
export const WRAPPER_COPY = 'larder_wal_fetch';

/** The text of the wrapper. */
export function readWrapper(): Promise<Buffer> {
  return readFile(WRAPPER);
}

/**
 * What PostgreSQL shall call for each file of the archive. It names the repository, and no secret.
 * @throws LarderError RESTORE_REFUSED for a path that cannot stand in a setting
 */
export function restoreCommand(plan: RecoveryPlan, location: StoreLocation): string {
  return wrapperCommand(LARDER, fetchArguments(plan, location));
}

/**
 * The wrapper's call, with its exit codes in PostgreSQL's words: 1 for what is proven to be absent, which the wrapper tells
 * with 44, and 255 for everything else, also for a wrapper that is gone or broken.
 * @param larder the program the wrapper starts
 */
export function wrapperCommand(larder: string, options: readonly string[]): string {
  const call = ['sh', WRAPPER_COPY, ...[larder, ...options].map(shellWord), '%f', '%p'].join(' ');
  return `${call}; case $? in 0) exit 0 ;; 44) exit 1 ;; *) exit 255 ;; esac`;
}

/** The options of `larder wal-fetch` that describe the plan. */
export function fetchArguments(
  { archive, path, from, until }: RecoveryPlan,
  location: StoreLocation,
): readonly string[] {
  return [
    `--repository=${location.directory}`,
    `--system=${archive.systemIdentifier}`,
    `--timeline=${path.timeline}`,
    `--from=${formatLsn(from)}`,
    `--until=${formatLsn(until)}`,
  ];
}

/** One word of a shell's command line, inside a setting in which `%` begins a placeholder. */
function shellWord(word: string): string {
  if (/[\n\r\0]/.test(word)) {
    throw new LarderError('RESTORE_REFUSED', `${JSON.stringify(word)} cannot stand in restore_command`, {
      hint: 'Move the repository to a path without line breaks.',
    });
  }
  return `'${word.replaceAll("'", `'\\''`).replaceAll('%', '%%')}'`;
}
