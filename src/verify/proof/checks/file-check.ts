import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../../../errors.ts';
import type { Finding } from '../../report.ts';
import { findingOf, type DatabaseCheck, type DatabaseLook } from '../database-look.ts';
import type { Relation } from '../relations.ts';

const PAGE = 8192;

/** Every relation that the catalogs know has its file, of whole pages: what nobody reads is missed by nobody. */
export const fileCheck: DatabaseCheck = {
  name: 'relation_files',
  look: async (look) => {
    const { relations } = look;
    const findings: Finding[] = [];
    for (const relation of relations) {
      const problem = await problemOf(look, relation);
      if (problem !== undefined) findings.push(findingOf(look, relation, problem));
    }
    return { counts: { checked: relations.length }, findings, exceptions: [] };
  },
  describe: ({ checked = 0 }) => `${checked} relations`,
};

async function problemOf({ dataDirectory }: DatabaseLook, { file }: Relation): Promise<string | undefined> {
  const bytes = await sizeOf(join(dataDirectory, file));
  if (bytes === undefined) return `its file ${file} is missing`;
  return bytes % PAGE === 0 ? undefined : `its file ${file} ends in the middle of a page, at ${bytes} bytes`;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
