import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { readFileWithMode } from '../../src/config/read-file.ts';
import type { LarderError } from '../../src/errors.ts';

/** Where a configuration is read from in a test: a working directory with a place for `config/larder.yaml`. */
export interface ConfigDirectory {
  readonly path: string;
  load(environment: NodeJS.ProcessEnv): Promise<Config>;
  /** What it is refused with; throws where it is accepted. */
  failure(environment: NodeJS.ProcessEnv): Promise<LarderError>;
  /** Returns the path of the file. */
  write(name: string, text: string, mode?: number): Promise<string>;
  yaml(text: string): Promise<string>;
  remove(): Promise<void>;
}

export async function makeConfigDirectory(): Promise<ConfigDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'larder-config-'));
  await mkdir(join(path, 'config'));
  const load = (environment: NodeJS.ProcessEnv): Promise<Config> =>
    loadConfig({ environment, workingDirectory: path, readFile: readFileWithMode });
  const failure = (environment: NodeJS.ProcessEnv): Promise<LarderError> =>
    load(environment).then(
      () => {
        throw new Error('it was accepted');
      },
      (error: unknown) => error as LarderError,
    );
  const write = async (name: string, text: string, mode = 0o600): Promise<string> => {
    await writeFile(join(path, name), text);
    await chmod(join(path, name), mode);
    return join(path, name);
  };
  return {
    path,
    load,
    failure,
    write,
    yaml: (text) => write('config/larder.yaml', text),
    remove: () => rm(path, { recursive: true }),
  };
}
