import { resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { LarderError, systemErrorCode } from '../errors.ts';
import { FILE_VARIABLE } from './environment.ts';
import type { ReadFile } from './read-file.ts';
import { isTree } from './settings-tree.ts';
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

/** Throws CONFIG_INVALID with the places of all errors. */
export function parseYaml(text: string, name: string): Tree {
  const lineCounter = new LineCounter();
  // pretty errors would quote the lines, and a line may hold a password
  const document = parseDocument(text, { prettyErrors: false, lineCounter });
  const places = document.errors.map((error) => {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    return `${name}, line ${line}, column ${col}: ${error.code.toLowerCase().replaceAll('_', ' ')}`;
  });
  if (places.length > 0) throw new LarderError('CONFIG_INVALID', places.join('\n'));
  const content: unknown = document.toJS();
  if (content === null) return {};
  if (isTree(content)) return content;
  throw new LarderError('CONFIG_INVALID', `${name} holds no keys: expected "clusters:", "http:" and so on`);
}
