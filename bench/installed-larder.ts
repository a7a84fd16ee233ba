import { cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './child.ts';

const ROOT = join(import.meta.dirname, '..');

/** Builds this checkout and puts it into `directory` as it is installed; the path of its program. */
export async function installLarder(directory: string, signal: AbortSignal): Promise<string> {
  const build = [join(ROOT, 'scripts/build.mjs'), join(directory, 'dist')];
  await run({ program: process.execPath, args: build, user: undefined, signal });
  for (const name of ['package.json', 'scripts'])
    await cp(join(ROOT, name), join(directory, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  return join(directory, 'scripts/larder');
}
