import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** The account an instance runs under when Larder itself runs as root, since PostgreSQL refuses root. */
export interface InstanceUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** What `stat` says about who may do what. */
export interface Access {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

const NOBODY: InstanceUser = { name: 'nobody', uid: 65534, gid: 65534 };

/** `postgres`, else `nobody`, when this process is root; `undefined` when it is not and instances run as itself. */
export async function chooseInstanceUser(): Promise<InstanceUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  return findAccount(await readFile('/etc/passwd', 'utf8').catch(() => ''), 'postgres') ?? NOBODY;
}

/** An account in the text of /etc/passwd; `undefined` when it is not there or is root under another name. */
export function findAccount(passwd: string, name: string): InstanceUser | undefined {
  for (const line of passwd.split('\n')) {
    const [account, , uid, gid] = line.split(':');
    if (account !== name) continue;
    const found = { name, uid: Number(uid), gid: Number(gid) };
    return Number.isInteger(found.uid) && Number.isInteger(found.gid) && found.uid !== 0 ? found : undefined;
  }
  return undefined;
}

/** Whether the account may do `wanted` (a sum of 4 read, 2 write, 1 execute or traverse). */
export function isPermitted(access: Access, user: InstanceUser, wanted: number): boolean {
  const shift = access.uid === user.uid ? 6 : access.gid === user.gid ? 3 : 0;
  return ((access.mode >> shift) & wanted) === wanted;
}

/** Whether the account can read and enter or run `path`, through every directory above it. */
export async function canReach(path: string, user: InstanceUser | undefined): Promise<boolean> {
  if (user === undefined) return true;
  return isPermitted(await stat(path), user, 5) && canEnter(dirname(resolve(path)), user);
}

/** Whether the account can pass through the directory and every one above it. */
export async function canEnter(directory: string, user: InstanceUser | undefined): Promise<boolean> {
  if (user === undefined) return true;
  for (let each = resolve(directory); ; each = dirname(each)) {
    if (!isPermitted(await stat(each), user, 1)) return false;
    if (each === dirname(each)) return true;
  }
}
