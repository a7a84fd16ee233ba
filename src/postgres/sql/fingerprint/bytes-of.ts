import { pathFromBytes } from '../../path-bytes.ts';

/**
 * A name as hexadecimal digits of its bytes. In a database of another encoding, or of SQL_ASCII, which has none, a name may
 * be no UTF-8; sent as text the server would refuse to send it. Needs `client_encoding = SQL_ASCII`, under which nothing is
 * converted.
 */
export function hexOf(expression: string): string {
  return `encode(textsend(${expression}::text), 'hex')`;
}

/** The name, as `pathFromBytes`. */
export function nameFromHex(hex: string): string {
  return pathFromBytes(Buffer.from(hex, 'hex'));
}
