import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** What a token allows; `operate` starts, cancels and pauses jobs, and reads too. */
export const TOKEN_SCOPES = ['read', 'operate'] as const;
export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** A token as the configuration knows it: never the token itself. */
export interface ApiToken {
  /** Goes into the audit trail. */
  readonly name: string;
  /** SHA-256 of the token's text, 64 hexadecimal digits. */
  readonly sha256: string;
  readonly scopes: readonly TokenScope[];
}

/** Bytes of chance in a token: nobody guesses it, so a plain hash of it can be kept. */
const LENGTH = 32;
const PREFIX = 'larder_';

/** A new token, and the hash that the configuration gets. The token itself is not kept anywhere. */
export function newToken(): { readonly token: string; readonly sha256: string } {
  const token = `${PREFIX}${randomBytes(LENGTH).toString('base64url')}`;
  return { token, sha256: hashOf(token).toString('hex') };
}

/**
 * Whose token stands in an Authorization header. All known ones are compared, each in constant time, so that the time of the
 * answer tells nothing.
 */
export function findToken(tokens: readonly ApiToken[], header: string | undefined): ApiToken | undefined {
  const given = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(header ?? '')?.[1];
  const hash = hashOf(given ?? '');
  let found: ApiToken | undefined;
  for (const token of tokens) {
    if (timingSafeEqual(hash, Buffer.from(token.sha256, 'hex'))) found = token;
  }
  return given === undefined ? undefined : found;
}

/** Who may operate may read. */
export function allows({ scopes }: ApiToken, scope: TokenScope): boolean {
  return scopes.includes(scope) || (scope === 'read' && scopes.includes('operate'));
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
