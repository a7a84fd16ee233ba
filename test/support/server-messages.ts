/** What a server sends, built from its parts (protocol.sgml, "Message Formats"). */

/** One message: its letter, its length, its body. */
export function serverMessage(type: string, body: Uint8Array | string = ''): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const header = Buffer.alloc(5);
  header.write(type, 'latin1');
  header.writeInt32BE(bytes.length + 4, 1);
  return Buffer.concat([header, bytes]);
}

export function dataRow(columns: readonly (string | null)[]): Buffer {
  const count = Buffer.alloc(2);
  count.writeInt16BE(columns.length);
  const values = columns.flatMap((column) => {
    const bytes = Buffer.from(column ?? '');
    const length = Buffer.alloc(4);
    length.writeInt32BE(column === null ? -1 : bytes.length);
    return [length, bytes];
  });
  return serverMessage('D', Buffer.concat([count, ...values]));
}

/** An ErrorResponse (`E`) or NoticeResponse (`N`) from its fields, by letter. */
export function report(type: 'E' | 'N', fields: Record<string, string>): Buffer {
  const text = Object.entries(fields).map(([letter, value]) => `${letter}${value}\0`);
  return serverMessage(type, `${text.join('')}\0`);
}

export const copyData = (bytes: Uint8Array | string): Buffer => serverMessage('d', bytes);
export const commandComplete = (tag: string): Buffer => serverMessage('C', `${tag}\0`);
export const readyForQuery = serverMessage('Z', 'I');
/** The body of a RowDescription is of no use to us. */
export const rowDescription = serverMessage('T', '\0\0');
export const copyOut = serverMessage('H', '\0\0\0');
export const copyDone = serverMessage('c');
