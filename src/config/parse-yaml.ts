import { LineCounter, parseDocument } from 'yaml';
import { LarderError } from '../errors.ts';
import { isTree } from './settings-tree.ts';
import type { Tree } from './settings-tree.ts';

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
