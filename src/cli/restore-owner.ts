import { readFile, stat } from 'node:fs/promises';
import { LarderError } from '../errors.ts';
import { findAccount, type InstanceUser } from '../postgres/server/instance-user.ts';

/** What decides who restored files belong to. */
export interface OwnerCircumstances {
  /** The name given by `--owner`. */
  readonly wanted: string | undefined;
  /** Of this process. */
  readonly uid: number;
  /** The text of /etc/passwd. */
  readonly passwd: string;
  /** Who an existing target directory belongs to. */
  readonly directory: { readonly uid: number; readonly gid: number } | undefined;
}

/** Who the files of a restore into `directory` shall belong to; throws as `chooseOwner`. */
export async function findOwner(
  wanted: string | undefined,
  directory: string,
): Promise<InstanceUser | undefined> {
  return chooseOwner({
    wanted,
    uid: process.getuid?.() ?? -1,
    passwd: await readFile('/etc/passwd', 'utf8').catch(() => ''),
    directory: await stat(directory).catch(() => undefined),
  });
}

/**
 * The named account; for root else the owner of the directory, else `postgres`, since PostgreSQL does not run as root;
 * for anybody else `undefined`: the files become their own.
 * @throws LarderError RESTORE_REFUSED
 */
export function chooseOwner(circumstances: OwnerCircumstances): InstanceUser | undefined {
  const { wanted, uid, passwd, directory } = circumstances;
  const owner = wanted === undefined ? undefined : accountFor(wanted, passwd);
  if (uid !== 0) {
    if (owner === undefined || owner.uid === uid) return undefined;
    throw new LarderError('RESTORE_REFUSED', `only root can restore files that belong to ${owner.name}`, {
      hint: 'Run it as root, or leave --owner out and the files become your own.',
    });
  }
  if (owner !== undefined) return owner;
  if (directory !== undefined && directory.uid !== 0) {
    return { name: nameOf(directory.uid, passwd), uid: directory.uid, gid: directory.gid };
  }
  return findAccount(passwd, 'postgres') ?? refuseRoot();
}

function accountFor(name: string, passwd: string): InstanceUser {
  const account = findAccount(passwd, name);
  if (account !== undefined) return account;
  const why = name === 'root' ? 'PostgreSQL does not run as root' : 'there is no such account here';
  throw new LarderError('RESTORE_REFUSED', `the files cannot belong to ${name}: ${why}`, {
    hint: 'Name with --owner the account that PostgreSQL will run under.',
  });
}

/** The account's name, or its number where it has none here. */
function nameOf(uid: number, passwd: string): string {
  const line = passwd.split('\n').find((text) => text.split(':')[2] === String(uid));
  return line?.split(':')[0] ?? String(uid);
}

function refuseRoot(): never {
  throw new LarderError(
    'RESTORE_REFUSED',
    'the files would belong to root, and PostgreSQL does not run as root',
    {
      hint: 'Name with --owner the account that PostgreSQL will run under; there is no account postgres here.',
    },
  );
}
