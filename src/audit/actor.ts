import { userInfo } from 'node:os';

/** Who runs this command: the account, or its number where it has no name (a container under an arbitrary uid). */
export function commandActor(): string {
  try {
    return `user:${userInfo().username}`;
  } catch {
    return `user:${process.getuid?.() ?? 'unknown'}`;
  }
}
