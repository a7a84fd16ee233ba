import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseCheck } from '../database-look.ts';

/** The libraries that functions of the database lie in, with the extensions they belong to. */
const LIBRARIES = `
  SELECT DISTINCT p.probin AS library, coalesce('extension ' || e.extname, 'a function of its own') AS user,
         (SELECT setting FROM pg_config WHERE name = 'PKGLIBDIR') AS directory
  FROM pg_proc AS p
       LEFT JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
       LEFT JOIN pg_extension AS e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
  WHERE p.probin IS NOT NULL AND p.pronamespace <> pg_my_temp_schema()
  ORDER BY library`;

/** Extensions of the source whose libraries are not installed here: what needs them cannot be looked at. */
export const libraryCheck: DatabaseCheck = {
  name: 'extensions',
  look: async ({ sessions, database }) => {
    const rows = await sessions.own.session.query(LIBRARIES);
    const missing: string[] = [];
    for (const { library, user, directory } of rows) {
      if (await isInstalled(String(library), String(directory))) continue;
      missing.push(`${String(user)} of ${database} needs ${String(library)}, which is not installed here`);
    }
    return { counts: { checked: rows.length }, findings: [], exceptions: missing };
  },
  describe: ({ checked = 0 }) => `${checked} libraries`,
};

async function isInstalled(library: string, directory: string): Promise<boolean> {
  const path = join(library.replace('$libdir', directory), '.').replace(/\/$/, '');
  for (const each of [path, `${path}.so`]) {
    try {
      await access(each.startsWith('/') ? each : join(directory, each));
      return true;
    } catch {
      // the next spelling of it
    }
  }
  return false;
}
