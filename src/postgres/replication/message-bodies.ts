import { LarderError } from '../../errors.ts';

/** Bodies of the small messages (protocol.sgml, "Message Formats"); all integers are big-endian. */

function violation(what: string): LarderError {
  return new LarderError('PROTOCOL_VIOLATION', `the server sent ${what} that cannot be read`);
}

/** DataRow: int16 count, then for each column int32 length (-1: NULL) and that many bytes of text. */
export function readDataRow(body: Buffer): (string | null)[] {
  try {
    const columns: (string | null)[] = [];
    let position = 2;
    for (let i = body.readInt16BE(0); i > 0; i--) {
      const length = body.readInt32BE(position);
      position += 4;
      if (length > body.length - position) throw violation('a row');
      columns.push(length < 0 ? null : body.toString('utf8', position, position + length));
      position += Math.max(length, 0);
    }
    return columns;
  } catch (error) {
    throw error instanceof LarderError ? error : violation('a row');
  }
}

/** What a server says in an ErrorResponse or NoticeResponse. */
export interface ServerMessage {
  /** Never translated: ERROR, FATAL, PANIC, WARNING, NOTICE, … */
  readonly severity: string;
  /** SQLSTATE, five characters. */
  readonly code: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
}

/** ErrorResponse and NoticeResponse: (field byte, zero-terminated text)…, zero byte. Unknown fields are passed over. */
export function readServerMessage(body: Buffer): ServerMessage {
  const fields = new Map<string, string>();
  for (let position = 0; position < body.length && body[position] !== 0;) {
    const end = body.indexOf(0, position + 1);
    if (end < 0) throw violation('an error message');
    fields.set(String.fromCharCode(body.readUInt8(position)), body.toString('utf8', position + 1, end));
    position = end + 1;
  }
  const detail = fields.get('D');
  const hint = fields.get('H');
  return {
    severity: fields.get('V') ?? fields.get('S') ?? 'ERROR',
    code: fields.get('C') ?? 'XX000',
    message: fields.get('M') ?? '',
    ...(detail === undefined ? {} : { detail }),
    ...(hint === undefined ? {} : { hint }),
  };
}

/** CommandComplete: its tag, zero-terminated. */
export function readCommandTag(body: Buffer): string {
  const end = body.indexOf(0);
  return body.toString('utf8', 0, end < 0 ? body.length : end);
}
