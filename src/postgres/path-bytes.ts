import { isUtf8 } from 'node:buffer';

/**
 * File names are bytes; ours are strings. Valid UTF-8 is read as such; any other byte b becomes the lone surrogate
 * U+DC00+b, which no valid text holds, so that every name comes back as the bytes it was (Python's "surrogateescape").
 */
export function pathFromBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return buffer.toString('utf8');
  let path = '';
  for (const byte of buffer) path += String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte);
  return path;
}

/** The bytes of a path made by `pathFromBytes`. */
export function pathToBytes(path: string): Buffer {
  if (path.isWellFormed()) return Buffer.from(path, 'utf8');
  // a name with one bad byte was escaped byte by byte, so every unit is one byte
  return Buffer.from(Array.from({ length: path.length }, (_, i) => path.charCodeAt(i) & 0xff));
}
