import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LarderError } from '../../../src/errors.ts';
import { pathToBytes } from '../../../src/postgres/path-bytes.ts';
import { readTarNumber, TarReader, type TarEntry } from '../../../src/postgres/replication/tar-reader.ts';
import { isEntryPath } from '../../../src/repository/manifest/entry-path.ts';
import { pathBytes } from '../../support/arbitrary-paths.ts';
import { chunkSizes, pushChunks } from '../../support/chunks.ts';
import { sealHeader, tarArchive, tarHeader, type ArchiveEntry } from '../../support/tar-archive.ts';

interface ReadEntry extends TarEntry {
  readonly content: Buffer;
}

/** Everything an archive holds, read in pieces of these sizes. */
function readArchive(bytes: Uint8Array, sizes: readonly number[] = [65_536]): ReadEntry[] {
  const entries: ReadEntry[] = [];
  let current: { entry: TarEntry; pieces: Buffer[] } | undefined;
  const reader = new TarReader({
    entryStart: (entry) => {
      if (current !== undefined) throw new Error('an entry begins inside another');
      current = { entry, pieces: [] };
    },
    entryBytes: (buffer, start, end) => current!.pieces.push(Buffer.from(buffer.subarray(start, end))),
    entryEnd: () => {
      entries.push({ ...current!.entry, content: Buffer.concat(current!.pieces) });
      current = undefined;
    },
  });
  pushChunks(bytes, sizes, (buffer, start, end) => reader.push(buffer, start, end));
  reader.finish();
  return entries;
}

const archiveEntry: fc.Arbitrary<ArchiveEntry> = fc
  .record({
    name: pathBytes,
    type: fc.constantFrom('0' as const, '0' as const, '5' as const),
    content: fc.oneof(
      fc.uint8Array({ maxLength: 2000 }),
      fc.constantFrom(0, 511, 512, 513, 1024).map((length) => new Uint8Array(length).fill(7)),
    ),
    mode: fc.nat(0o7777),
    modified: fc.nat(8 ** 11 - 1),
  })
  .map((entry) => (entry.type === '0' ? entry : { ...entry, content: new Uint8Array() }));

describe('a tar archive', () => {
  test('gives the entries it was made of, however its bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(archiveEntry, { maxLength: 6 }), chunkSizes, (entries, sizes) => {
        const read = readArchive(tarArchive(entries), sizes);
        expect(read).toEqual(
          entries.map(({ type, content, mode, modified }) => ({
            name: expect.anything(),
            type: type === '0' ? 'file' : 'directory',
            size: content.length,
            content: Buffer.from(content),
            mode,
            modified,
            link: '',
          })),
        );
        read.forEach(({ name }, i) => expect(pathToBytes(name).equals(entries[i]!.name)).toBe(true));
      }),
    );
  });

  test('keeps names of 99 bytes, names that are not text, and every byte but NUL and slash', () => {
    const bytes = Array.from({ length: 255 }, (_, i) => i + 1).filter((byte) => byte !== 0x2f);
    const names = bytes.map((byte) => Buffer.from([0x61, byte, 0x62])).concat(Buffer.alloc(99, 'n'));
    const read = readArchive(tarArchive(names.map((name) => ({ name, type: '0', content: Buffer.of(1) }))));
    expect(read.map(({ name }) => pathToBytes(name))).toEqual(names);
  });

  test('takes the slash off directories and knows where links lead', () => {
    const entries = readArchive(
      tarArchive([
        { name: Buffer.from('./pg_wal/archive_status/'), type: '5', content: Buffer.alloc(0) },
        { name: Buffer.from('pg_tblspc/16384/'), type: '2', content: Buffer.alloc(0), link: '/mnt/fast' },
      ]),
    );
    expect(entries).toMatchObject([
      { name: './pg_wal/archive_status', type: 'directory', link: '' },
      { name: 'pg_tblspc/16384', type: 'symlink', link: '/mnt/fast' },
    ]);
  });

  test('that ends in the middle is refused at every place', () => {
    const whole = tarArchive([{ name: Buffer.from('a'), type: '0', content: Buffer.alloc(700, 1) }]);
    for (let length = 0; length < whole.length - 1024; length += 37)
      expect(() => readArchive(whole.subarray(0, length))).toThrow('ends in the middle');
    // the second block of zeros tells nothing new
    expect(readArchive(whole.subarray(0, whole.length - 512))).toHaveLength(1);
  });

  test('that goes on after its end is refused', () => {
    const archive = tarArchive([{ name: Buffer.from('a'), type: '0', content: Buffer.of(1) }]);
    expect(() => readArchive(Buffer.concat([archive, archive]))).toThrow('goes on after its end');
  });

  test('with an entry that PostgreSQL never writes is refused', () => {
    const header = tarHeader({ name: Buffer.from('a'), type: '0', content: Buffer.alloc(0) });
    for (const type of ['1', '3', '6', '7', 'L', 'x', 'g', 'S']) {
      header.write(type, 156, 'latin1');
      expect(() => readArchive(sealHeader(header))).toThrow('which PostgreSQL never writes');
    }
  });
});

describe('a number of a tar header', () => {
  test('is read in octal below 8 GiB and in base 256 from there on', () => {
    const size = fc.oneof(
      fc.nat(8 ** 11 - 1),
      fc.integer({ min: 8 ** 11, max: Number.MAX_SAFE_INTEGER }),
      fc.constantFrom(0, 8 ** 11 - 1, 8 ** 11, 300 * 1024 ** 3),
    );
    fc.assert(
      fc.property(size, (bytes) => {
        const header = tarHeader({
          name: Buffer.from('a'),
          type: '0',
          content: Buffer.alloc(0),
          size: bytes,
        });
        expect(readTarNumber(header, 124, 12)).toBe(bytes);
        expect((header[124]! & 0x80) !== 0).toBe(bytes >= 8 ** 11);
      }),
    );
  });

  test('is refused when it is no number, negative, or beyond 2^53', () => {
    for (const field of ['12x4', '0000000009\0', '-1\0', '0x10\0'])
      expect(() => readTarNumber(Buffer.from(field.padEnd(12, '\0'), 'latin1'), 0, 12)).toThrow('not octal');
    expect(() => readTarNumber(Buffer.alloc(12, 0xff), 0, 12)).toThrow('beyond 2^53');
    expect(readTarNumber(Buffer.from('   644 \0'), 0, 8)).toBe(0o644);
  });
});

test('a file of 9 GiB begins with its size, and its bytes are passed on where they lie', () => {
  const size = 9 * 1024 ** 3;
  const seen = { size: 0, bytes: 0 };
  const reader = new TarReader({
    entryStart: (entry) => (seen.size = entry.size),
    entryBytes: (_buffer, start, end) => (seen.bytes += end - start),
    entryEnd: () => undefined,
  });
  const header = tarHeader({ name: Buffer.from('base/5/1'), type: '0', content: Buffer.alloc(0), size });
  reader.push(header, 0, header.length);
  const piece = Buffer.alloc(64 * 1024 * 1024);
  for (let i = 0; i < 144; i++) reader.push(piece, 0, piece.length);
  expect(seen).toEqual({ size, bytes: size });
  reader.push(piece, 0, 1024);
  expect(() => reader.finish()).not.toThrow();
});

describe('a damaged archive', () => {
  const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255), reseal: fc.boolean() }), {
    minLength: 1,
    maxLength: 8,
  });
  const evil = ['../x', '/etc/passwd', 'a/../../x', '..', './../x', 'a//b', '.', './/etc'];
  const names = fc.oneof(
    pathBytes,
    fc.constantFrom(...evil).map((name) => Buffer.from(name)),
  );
  const entries = fc.array(
    fc.record({ name: names, type: fc.constant('0' as const), content: fc.uint8Array({ maxLength: 600 }) }),
    { maxLength: 4 },
  );

  test('ends in entries or in a refusal, and no accepted path leads outside', () => {
    fc.assert(
      fc.property(entries, damage, chunkSizes, (content, changes, sizes) => {
        const archive = tarArchive(content);
        for (const { at, byte, reseal } of changes) {
          const position = at % archive.length;
          archive[position] = byte;
          const block = position - (position % 512);
          if (reseal) sealHeader(archive.subarray(block, block + 512));
        }
        let read: ReadEntry[] = [];
        try {
          read = readArchive(archive, sizes);
        } catch (error) {
          expect(error).toBeInstanceOf(LarderError);
          expect(error).toMatchObject({ code: 'PROTOCOL_VIOLATION' });
        }
        for (const { name } of read.filter((entry) => isEntryPath(entry.name))) {
          const bytes = pathToBytes(name).toString('latin1');
          expect(bytes.startsWith('/')).toBe(false);
          expect(bytes.split('/').some((part) => ['', '.', '..'].includes(part))).toBe(false);
          expect(bytes).not.toContain('\0');
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('is found out by its header checksum, whichever byte of a header it is', () => {
    const header = tarHeader({ name: Buffer.from('base/1/2'), type: '0', content: Buffer.alloc(0) });
    for (let i = 0; i < 512; i++) {
      // the last byte of the checksum's field says nothing
      if (i === 154 || i === 155) continue;
      const damaged = Buffer.from(header);
      damaged[i] = damaged[i]! ^ 0x08;
      expect(() => readArchive(damaged)).toThrow('the server sent a tar archive');
    }
  });
});
