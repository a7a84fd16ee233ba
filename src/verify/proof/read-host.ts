import type { ProofHost } from '../proof-report.ts';
import { CopyFailure, openCopySession } from './copy-session.ts';
import type { RunningCopy } from './start-copy.ts';

/** Collations of a fixed name that every cluster has tell the versions of the libraries behind them. */
const HOST = `
  SELECT current_setting('server_version') AS server,
         (SELECT pg_collation_actual_version(oid) FROM pg_collation WHERE collprovider = 'c' AND pg_collation_actual_version(oid) IS NOT NULL LIMIT 1) AS libc,
         (SELECT pg_collation_actual_version(oid) FROM pg_collation WHERE collname = 'und-x-icu') AS icu`;

/** What the copy runs on, as far as its server tells. */
export async function readHost(copy: RunningCopy, signal: AbortSignal): Promise<ProofHost> {
  const { confinement } = copy;
  try {
    await using session = await openCopySession(copy, copy.database, signal);
    const [row] = await session.query(HOST);
    const text = (name: string): string | null => (typeof row?.[name] === 'string' ? row[name] : null);
    return { serverVersion: text('server') ?? 'unknown', libc: text('libc'), icu: text('icu'), confinement };
  } catch (error) {
    if (!(error instanceof CopyFailure)) throw error;
    return { serverVersion: 'unknown', libc: null, icu: null, confinement };
  }
}
