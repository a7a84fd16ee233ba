const BLOCK = 512;

export interface ArchiveEntry {
  /** Bytes, at most 99; directories and links end in a slash, as the server writes them. */
  readonly name: Uint8Array;
  readonly type: '0' | '2' | '5';
  readonly content: Uint8Array;
  readonly mode?: number;
  readonly modified?: number;
  readonly link?: string;
  /** What the header says instead of the content's length. */
  readonly size?: number;
}

/** One number as tar.c of PostgreSQL prints it: octal with a blank or NUL behind it, base-256 where that does not fit. */
function writeNumber(header: Buffer, offset: number, length: number, value: number): void {
  if (value < 8 ** (length - 1)) {
    header.write(value.toString(8).padStart(length - 1, '0'), offset, 'latin1');
    return;
  }
  let rest = value;
  for (let i = length - 1; i > 0; i--) {
    header[offset + i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  header[offset] = 0x80;
}

/** A ustar header block (PostgreSQL's src/port/tar.c, tarCreateHeader). */
export function tarHeader(entry: ArchiveEntry): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.set(entry.name.subarray(0, 100));
  writeNumber(header, 100, 8, entry.mode ?? 0o600);
  writeNumber(header, 108, 8, 26);
  writeNumber(header, 116, 8, 26);
  writeNumber(header, 124, 12, entry.size ?? (entry.type === '0' ? entry.content.length : 0));
  writeNumber(header, 136, 12, entry.modified ?? 1_795_000_000);
  header.write(entry.type, 156, 'latin1');
  header.write(entry.link ?? '', 157, 100, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  header.write('postgres', 265, 'latin1');
  header.write('postgres', 297, 'latin1');
  return sealHeader(header);
}

/** Puts the right checksum into a header. */
export function sealHeader(header: Buffer): Buffer {
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** An archive as the server sends it: headers, contents padded to blocks, two blocks of zeros. */
export function tarArchive(entries: readonly ArchiveEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const padding = (BLOCK - (entry.content.length % BLOCK)) % BLOCK;
    return [tarHeader(entry), entry.content, Buffer.alloc(padding)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}
