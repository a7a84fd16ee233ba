/** What the server says of a connection that no line of pg_hba.conf lets in; the client's address is its view of it. */
const REFUSAL =
  /^(?:no pg_hba\.conf entry for|pg_hba\.conf rejects) (replication )?connection .*?host "([^"]*)", user "([^"]*)"(?:, database "([^"]*)")?, (.+)$/;
const REFUSAL_OF_DATABASE =
  /^no pg_hba\.conf entry for ()host "([^"]*)", user "([^"]*)", database "([^"]*)", (.+)$/;

/** Names with a meaning of their own in pg_hba.conf unless quoted. */
const KEYWORDS = ['all', 'replication', 'sameuser', 'samerole', 'samegroup'];

/**
 * The line of pg_hba.conf that lets in the connection the server has just refused, or `undefined` when the message is
 * not about pg_hba.conf. The address is the one the server saw, behind any address translation.
 */
export function hbaLineFor(message: string): string | undefined {
  const match = REFUSAL_OF_DATABASE.exec(message) ?? REFUSAL.exec(message);
  if (match === null) return undefined;
  const [, replication, host = '', user = '', database = '', encryption = ''] = match;
  const what = replication ? 'replication' : quote(database);
  if (host === '[local]') return `local ${what} ${quote(user)} scram-sha-256`;
  const type = encryption === 'SSL encryption' ? 'hostssl' : 'host';
  return `${type} ${what} ${quote(user)} ${host}/${host.includes(':') ? 128 : 32} scram-sha-256`;
}

function quote(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) && !KEYWORDS.includes(name) ? name : `"${name}"`;
}
