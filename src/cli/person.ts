import { hostname, userInfo } from 'node:os';
import type { Person } from '../retention/place-hold.ts';

/** Who runs this command, as the system knows them; a uid without an account by its number. */
export function whoAmI(): Person {
  try {
    return { user: userInfo().username, host: hostname() };
  } catch {
    return { user: `uid ${process.getuid?.() ?? '?'}`, host: hostname() };
  }
}
