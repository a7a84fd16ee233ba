import { resolve } from 'node:path';
import { LarderError, systemErrorCode } from '../errors.ts';
import { FILE_VARIABLE } from './environment.ts';
import type { ReadFile } from './read-file.ts';
import type { Tree } from './settings-tree.ts';

/** The configuration file where LARDER_CONFIG names none; used when it exists. */
export const DEFAULT_FILE = 'config/larder.yaml';

/** The configuration file, parsed; `name` is how the user knows it. */
export interface ConfigFile {
  readonly name: string;
  readonly tree: Tree;
}

/**
 * Reads the file that LARDER_CONFIG names, or config/larder.yaml when it exists; `undefined` without one. Throws
 * CONFIG_INVALID when it cannot be read or is not YAML; messages give lines, never their text.
 */
export async function readConfigFile(
  environment: NodeJS.ProcessEnv,
  workingDirectory: string,
  readFile: ReadFile,
): Promise<ConfigFile | undefined> {
  const named = environment[FILE_VARIABLE];
  const name = named ? named : DEFAULT_FILE;
  try {
    const { text } = await readFile(resolve(workingDirectory, name));
    // the parser is dear to load, and most commands run without a file
    const { parseYaml } = await import('./parse-yaml.ts');
    return { name, tree: parseYaml(text, name) };
  } catch (error) {
    if (error instanceof LarderError) throw error;
    const code = systemErrorCode(error) ?? 'unknown error';
    if (!named && code === 'ENOENT') return undefined;
    throw new LarderError(
      'CONFIG_INVALID',
      `${named ? `${FILE_VARIABLE}: ` : ''}${name} cannot be read (${code})`,
      {
        cause: error,
      },
    );
  }
}
