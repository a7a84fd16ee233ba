import { chmod, lchown, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeInstanceHome, type InstanceHome } from './instance-home.ts';
import type { InstanceUser } from './instance-user.ts';
import type { Instance, InstanceOptions } from './instance.ts';
import { startInstance } from './instance.ts';

/**
 * Starts a restored data directory for a look at it, as a stranger to the world its settings speak of. The restored
 * postgresql.conf and pg_hba.conf are not read; `options.settings` win over what is kept quiet here. Disposing stops it
 * and removes the home with the data. Throws as `startInstance` does; then the home is left for a look at the log.
 */
export async function startTemporaryInstance(options: InstanceOptions): Promise<Instance> {
  const { home } = options;
  const quiet = await quietSettings(home);
  if (home.user !== undefined) await giveToUser(home.dataDirectory, home.user);
  const settings = { ...quiet, ...options.settings };
  const instance = await startInstance({ ...options, settings });
  return {
    ...instance,
    [Symbol.asyncDispose]: async () => {
      await instance.stop('immediate');
      await removeInstanceHome(home);
    },
  };
}

/** Settings that keep a copy to itself, with the configuration files they name, which are written into the home. */
export async function quietSettings(home: InstanceHome): Promise<Readonly<Record<string, string>>> {
  const hba = join(home.directory, 'pg_hba.conf');
  const configuration = join(home.directory, 'postgresql.conf');
  for (const [file, text] of Object.entries({ [hba]: 'local all all trust\n', [configuration]: '' })) {
    await writeFile(file, text);
    await chmod(file, 0o644);
  }
  return { ...QUIET_SETTINGS, config_file: configuration, hba_file: hba };
}

/**
 * Makes a restored tree the account's own; links are not followed, so a tablespace kept elsewhere needs its own call.
 */
export async function giveToUser(path: string, user: InstanceUser): Promise<void> {
  await lchown(path, user.uid, user.gid);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) await giveToUser(child, user);
    else await lchown(child, user.uid, user.gid);
  }
}

/** ALTER SYSTEM settings travel inside the data directory; these must not act from a copy. */
const QUIET_SETTINGS: Readonly<Record<string, string>> = {
  // would write into the archive of the original
  archive_mode: 'off',
  archive_cleanup_command: '',
  recovery_end_command: '',
  // a subscription would take over the original's slot and eat its changes
  max_logical_replication_workers: '0',
  // pg_cron and its like would run the original's jobs
  shared_preload_libraries: '',
  primary_conninfo: '',
  // with hot standby, recovery refuses to begin below the original's max_connections and its like
  hot_standby: 'off',
  // recovery ends with an error at the first prepared transaction beyond it; what is free costs about 20 MB
  max_prepared_transactions: '1000',
  // a server that is promoted without it throws away the commit times that the original kept
  track_commit_timestamp: 'on',
  ssl: 'off',
  shared_buffers: '128MB',
  huge_pages: 'off',
};
