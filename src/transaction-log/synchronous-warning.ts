import type { SynchronousFacts } from '../postgres/sql/slot-facts.ts';

/**
 * What to warn of when the server waits for us at commit: a receiver writes and flushes WAL and never applies it, so that
 * commits with synchronous_commit = remote_apply would wait for ever.
 */
export function synchronousWarning(facts: SynchronousFacts, applicationName: string): string | undefined {
  const { standbyNames, commit } = facts;
  if (commit !== 'remote_apply' || standbyNames === undefined) return undefined;
  if (!namesUs(standbyNames, applicationName)) return undefined;
  return (
    `synchronous_standby_names names ${applicationName} and synchronous_commit is remote_apply: ` +
    'commits that wait for Larder hang, since it applies nothing; use on or remote_write'
  );
}

/** Whether commits may wait for us: also while nobody can tell. */
export function isAwaited({ standbyNames }: SynchronousFacts, applicationName: string): boolean {
  return standbyNames === undefined || namesUs(standbyNames, applicationName);
}

/** Whether a value of synchronous_standby_names can mean us: `FIRST 1 (larder, b)`, `ANY 2 ("x", *)`, `larder`. */
export function namesUs(standbyNames: string, applicationName: string): boolean {
  const names = standbyNames.match(/"(?:[^"]|"")*"|[^\s,()"]+/g) ?? [];
  return names.some((name) => {
    const plain = name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
    return plain === '*' || plain.toLowerCase() === applicationName.toLowerCase();
  });
}
