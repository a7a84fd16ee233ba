import { sendsIncremental, type ServerIdentity } from '../postgres/replication/server-identity.ts';
import type { Session } from '../postgres/sql/session.ts';
import { canReadWalSummaries } from '../postgres/sql/wal-summaries.ts';

/** How a backup learns what changed: by comparing all that the server sends, or from the server's own account. */
export type ChangesFrom = 'comparison' | 'server';

/**
 * The server's account where it keeps one (17 and later, `summarize_wal = on`) and lets us look at it, which we have to
 * (`ChangeAccount`); else a comparison, for which everything is read.
 * @param sql an ordinary connection to the server, where it allows this role one
 */
export async function chooseChangesFrom(
  wanted: ChangesFrom,
  { serverVersionNumber, summarizesWal }: Pick<ServerIdentity, 'serverVersionNumber' | 'summarizesWal'>,
  sql: Session | undefined,
): Promise<ChangesFrom> {
  const keepsAccount = sendsIncremental(serverVersionNumber) && summarizesWal;
  if (wanted === 'comparison' || !keepsAccount || sql === undefined) return 'comparison';
  return (await canReadWalSummaries(sql)) ? 'server' : 'comparison';
}
