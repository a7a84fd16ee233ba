import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../../../errors.ts';
import { lookAtEach, type DatabaseCheck } from '../database-look.ts';

const PAGE = 8192;

/** Every relation that the catalogs know has its file, of whole pages: what nobody reads is missed by nobody. */
export const fileCheck: DatabaseCheck = {
  name: 'relation_files',
  look: async (look) => {
    const { relations, dataDirectory } = look;
    const silent = { ...look, seen: () => undefined };
    const { findings, exceptions } = await lookAtEach(silent, relations, async ({ file }) => {
      const bytes = await sizeOf(join(dataDirectory, file));
      if (bytes === undefined) return [`its file ${file} is missing`];
      return bytes % PAGE === 0 ? [] : [`its file ${file} ends in the middle of a page, at ${bytes} bytes`];
    });
    return { counts: { checked: relations.length }, findings, exceptions };
  },
  describe: ({ checked = 0 }) => `${checked} relations`,
};

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
