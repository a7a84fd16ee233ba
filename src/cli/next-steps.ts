import { join } from 'node:path';
import { majorOf } from '../postgres/version.ts';
import { findServerBinaries } from '../postgres/server/find-binaries.ts';
import { canReach, type InstanceUser } from '../postgres/server/instance-user.ts';
import type { RestorePlan } from '../restore/plan.ts';
import { shellWord } from '../format.ts';

/** How to go on after a restore. */
export interface NextSteps {
  /** Starts the restored cluster; to be pasted into a shell. */
  readonly startCommand: string;
  /** What stands in its way, or is easily overlooked. */
  readonly remarks: readonly string[];
}

/**
 * The command that starts a restored cluster, with the server's programs of the same major version where some are found
 * that its owner can run.
 * @param searchPath the value of PATH
 */
export async function nextSteps(
  plan: RestorePlan,
  owner: InstanceUser | undefined,
  searchPath: string | undefined,
): Promise<NextSteps> {
  const major = majorOf(plan.request.backup.serverVersionNumber);
  const programs = await findPrograms(major, owner, searchPath);
  const directory = plan.target.path;
  const words = [
    ...runAs(owner),
    programs === undefined ? 'pg_ctl' : join(programs, 'pg_ctl'),
    `--pgdata=${directory}`,
    `--log=${join(directory, 'startup.log')}`,
    'start',
  ];
  return { startCommand: words.map(shellWord).join(' '), remarks: remarks(plan, major, programs) };
}

function remarks(plan: RestorePlan, major: number, programs: string | undefined): string[] {
  const found = [];
  if (programs === undefined) {
    found.push(
      `No PostgreSQL ${major} was found here that can be run for it: install it, and put its pg_ctl in PATH.`,
    );
  }
  if (!plan.files.some(({ path }) => path === 'postgresql.conf')) {
    found.push(
      'The source kept postgresql.conf outside its data directory, so the backup has none: bring your own, with pg_hba.conf.',
    );
  }
  if (plan.request.port === undefined)
    found.push(
      'It listens on the port of its source, where clients and the receiver of WAL take it for that server; beside it, add -o "-p 5433" or another free port.',
    );
  return found;
}

async function findPrograms(
  major: number,
  owner: InstanceUser | undefined,
  searchPath: string | undefined,
): Promise<string | undefined> {
  const search = searchPath === undefined ? {} : { searchPath };
  const found = await findServerBinaries(major, search).catch(() => undefined);
  if (found === undefined) return undefined;
  return (await canReach(join(found.directory, 'pg_ctl'), owner).catch(() => false))
    ? found.directory
    : undefined;
}

/** The words that run a command under another account, for root. */
function runAs(owner: InstanceUser | undefined): string[] {
  if (owner === undefined) return [];
  const hasName = owner.name !== String(owner.uid);
  if (hasName) return ['runuser', '-u', owner.name, '--'];
  return ['setpriv', `--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups'];
}
