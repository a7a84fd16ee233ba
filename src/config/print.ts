import { Document, isScalar } from 'yaml';
import type { Config } from './config.ts';

/** The effective configuration as YAML, secrets masked, with the place each value came from beside it. */
export function printConfig(config: Config): string {
  const document = new Document({});
  for (const { path, value, origin } of config.settings) {
    const node = document.createNode(value);
    if (isScalar(node)) node.comment = ` ${origin}`;
    document.setIn(path, node);
  }
  return document.toString({ lineWidth: 0 });
}
