import fc from 'fast-check';

/** The bytes of one part of a path: anything a file system takes, text or not. */
export const pathPart = fc
  .oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).map((text) => Buffer.from(text)),
    fc.uint8Array({ minLength: 1, maxLength: 30, min: 1 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom('\u{feff}x', 'ü', '\r', '"', '\\', 'a b').map((text) => Buffer.from(text)),
  )
  .map((bytes) => bytes.filter((byte) => byte !== 0 && byte !== 0x2f))
  .map((bytes) => Buffer.from(bytes))
  .filter((bytes) => bytes.length > 0 && !['.', '..'].includes(bytes.toString('latin1')));

/** The bytes of a relative path of one to four parts, at most 99 bytes long as in the server's archives. */
export const pathBytes = fc
  .array(pathPart, { minLength: 1, maxLength: 4 })
  .map((parts) => Buffer.concat(parts.flatMap((part, i) => (i === 0 ? [part] : [Buffer.from('/'), part]))))
  .filter((bytes) => bytes.length <= 99);
