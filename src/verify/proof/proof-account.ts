import { readFile } from 'node:fs/promises';
import type { InstanceUser } from '../../postgres/server/instance-user.ts';

/** The numbers that systemd gives to services for a while: no package makes accounts of them. */
const [FIRST, LAST] = [61_184, 65_519];

/**
 * The account that a copy's server runs under when this process is root: one that nobody has, so that nothing on the machine
 * belongs to it but the copy. `undefined` for this process's own.
 */
export async function chooseProofAccount(): Promise<InstanceUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const number = freeNumber(await readFile('/etc/passwd', 'utf8').catch(() => ''));
  return { name: `number ${number}`, uid: number, gid: number };
}

/** The first number that no account in the text of /etc/passwd has, as itself or as its group. */
export function freeNumber(passwd: string): number {
  const taken = new Set(passwd.split('\n').flatMap((line) => line.split(':').slice(2, 4).map(Number)));
  let number = FIRST;
  while (taken.has(number) && number < LAST) number += 1;
  return number;
}
