import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { LarderError, systemErrorCode } from '../errors.ts';

/** How commands of this machine reach the service that runs on their state directory. */
export interface LocalService {
  /** Where its API is: `http://127.0.0.1:9847`. */
  readonly url: string;
  /** Lets its holder operate. Good as long as the process lives, and from this machine only. */
  readonly token: string;
}

const FILE = 'service.json';
const stored = z.object({ url: z.url({ protocol: /^http$/ }), token: z.string().min(1) });

/** Leaves it in the state directory, for the directory's owner alone (0600). Throws STATE_NOT_WRITABLE. */
export async function publishLocalService(stateDirectory: string, service: LocalService): Promise<void> {
  const path = join(stateDirectory, FILE);
  try {
    await rm(`${path}.new`, { force: true });
    await writeFile(`${path}.new`, `${JSON.stringify(service)}\n`, { mode: 0o600, flag: 'wx' });
    await rename(`${path}.new`, path);
  } catch (error) {
    throw unusable(path, error);
  }
}

/** Takes it back; one that another service has put there meanwhile stays. Never rejects. */
export async function withdrawLocalService(stateDirectory: string, service: LocalService): Promise<void> {
  const found = await readLocalService(stateDirectory).catch(() => undefined);
  if (found?.token === service.token)
    await rm(join(stateDirectory, FILE), { force: true }).catch(() => undefined);
}

/** Undefined where no service runs, or the last one was stopped in good order. Throws STATE_NOT_WRITABLE. */
export async function readLocalService(stateDirectory: string): Promise<LocalService | undefined> {
  const path = join(stateDirectory, FILE);
  try {
    return stored.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw unusable(path, error);
  }
}

function unusable(path: string, cause: unknown): LarderError {
  const why = Error.isError(cause) ? cause.message : String(cause);
  return new LarderError('STATE_NOT_WRITABLE', `${path} cannot be used: ${why}`, {
    hint: 'Run the command as the account that the service runs as.',
    cause,
  });
}
