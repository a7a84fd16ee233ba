import { execFile } from 'node:child_process';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LarderError } from '../../errors.ts';
import type { ServerBinaries } from './find-binaries.ts';
import { INSTANCE_ENVIRONMENT } from './instance-environment.ts';
import type { InstanceHome } from './instance-home.ts';
import { makePrivateDirectory } from './instance-home.ts';

const run = promisify(execFile);

export interface ClusterOptions {
  readonly checksums: boolean;
  /** MiB, a power of two from 1 to 1024. */
  readonly walSegmentSizeMb: number;
  /** Appended to postgresql.conf, so that they hold wherever the data directory is started. */
  readonly settings: Readonly<Record<string, string>>;
}

/**
 * Makes a new cluster in the home's data directory: superuser `postgres`, UTF-8, locale C.UTF-8; whoever reaches the
 * unix socket is trusted, TCP asks for a SCRAM password. Throws INSTANCE_FAILED with what initdb said.
 */
export async function initializeCluster(
  binaries: ServerBinaries,
  home: InstanceHome,
  options: ClusterOptions,
): Promise<void> {
  await makePrivateDirectory(home.dataDirectory, home.user);
  try {
    await run(join(binaries.directory, 'initdb'), initdbArguments(binaries.major, home, options), {
      cwd: home.directory,
      env: INSTANCE_ENVIRONMENT,
      ...(home.user === undefined ? {} : { uid: home.user.uid, gid: home.user.gid }),
    });
  } catch (error) {
    const said = Error.isError(error) && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new LarderError('INSTANCE_FAILED', `initdb failed for ${home.dataDirectory}: ${said}`, {
      hint: 'The directory must be empty and have room for 50 MB; what initdb said is in the message.',
      cause: error,
    });
  }
  const lines = Object.entries(options.settings).map(([name, value]) => `${name} = ${quoteSetting(value)}\n`);
  await appendFile(join(home.dataDirectory, 'postgresql.conf'), lines.join(''));
}

/** A value as postgresql.conf wants it. */
export function quoteSetting(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

function initdbArguments(major: number, home: InstanceHome, options: ClusterOptions): string[] {
  return [
    ...[
      '--pgdata',
      home.dataDirectory,
      '--username',
      'postgres',
      '--encoding',
      'UTF8',
      '--locale',
      'C.UTF-8',
    ],
    ...['--auth-local', 'trust', '--auth-host', 'scram-sha-256', '--no-sync'],
    ...['--wal-segsize', String(options.walSegmentSizeMb)],
    ...checksumArguments(major, options.checksums),
  ];
}

/** Before 18 checksums were off unless asked for, and there was no option to decline them. */
function checksumArguments(major: number, checksums: boolean): string[] {
  if (checksums) return ['--data-checksums'];
  return major >= 18 ? ['--no-data-checksums'] : [];
}
