import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { InstanceUser } from './instance-user.ts';

const run = promisify(execFile);

/** How much of the machine a confined server can reach; see `ProofHost`. */
export type ConfinementLevel = 'namespaces' | 'network' | 'account';

/** What stands before a server's command line to keep it to itself. */
export interface Confinement {
  readonly level: ConfinementLevel;
  /** Empty where the machine offers none. It changes to the instance's account itself. */
  readonly command: readonly string[];
}

/**
 * Runs with root's rights in a mount namespace of its own: $1 is how many directories follow that stay writable, everything
 * else becomes read-only; then the rest of the command line is run. World-writable places (/tmp, /dev/shm) are why.
 * A mount that refuses is an error, unless it is gone: what is half closed must not count as closed.
 */
const CLOSE_FILE_SYSTEMS = `
set -eu
count=$1
shift
mount --make-rprivate /
points=$(cut -d ' ' -f 5 /proc/self/mountinfo | sort -u)
kept=
while [ "$count" -gt 0 ]; do
  mount --bind "$1" "$1"
  count=$((count - 1))
  shift
done
printf '%s\\n' "$points" | while read -r listed; do
  point=$(printf '%b' "$(printf '%s' "$listed" | sed 's/\\\\\\([0-7][0-7][0-7]\\)/\\\\0\\1/g')")
  mount -o remount,bind,ro "$point" && continue
  # removing its directory takes a mount out of every namespace: one that is gone needs no closing
  if cut -d ' ' -f 5 /proc/self/mountinfo | grep -qxF -- "$listed"; then exit 1; fi
done
exec "$@"`;

/**
 * Finds out what this machine allows, by trying it: namespaces without a network and with read-only file systems, a network
 * namespace alone, or nothing but the account.
 * @param user the account the server is to run under; undefined for this process's own
 * @param writable absolute directories that the server writes to
 */
export async function findConfinement(
  user: InstanceUser | undefined,
  writable: readonly string[],
): Promise<Confinement> {
  const become = becomeUser(user);
  const namespaces = user === undefined ? [...OWN_ACCOUNT, '--net', '--ipc'] : ['--net', '--ipc'];
  const closed = ['sh', '-c', CLOSE_FILE_SYSTEMS, 'larder-confine', String(writable.length), ...writable];
  const attempts: Confinement[] = [
    { level: 'namespaces', command: ['unshare', ...namespaces, '--mount', '--', ...closed, ...become] },
    { level: 'network', command: ['unshare', ...namespaces, '--', ...become] },
  ];
  for (const attempt of attempts) if (await works(attempt.command)) return attempt;
  return { level: 'account', command: [] };
}

/** Rights over the namespaces alone, until they are dropped again behind the mounts. */
const OWN_ACCOUNT = ['--user', '--map-current-user', '--keep-caps'];

/** Nothing that is run from here on gains rights, whatever set-user-ID programs the machine has. */
function becomeUser(user: InstanceUser | undefined): string[] {
  const account = user === undefined ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
  return [
    'setpriv',
    ...account,
    '--no-new-privs',
    '--inh-caps=-all',
    '--ambient-caps=-all',
    '--bounding-set=-all',
    '--',
  ];
}

async function works(command: readonly string[]): Promise<boolean> {
  const [program = '', ...rest] = command;
  try {
    await run(program, [...rest, 'true'], { cwd: '/', timeout: 10_000 });
    return true;
  } catch {
    // not installed, or not allowed here: the next best thing is tried
    return false;
  }
}
