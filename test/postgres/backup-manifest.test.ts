import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  BackupManifestReader,
  type ManifestFile,
  type ManifestSummary,
} from '../../src/postgres/backup-manifest.ts';
import { formatLsn, parseLsn } from '../../src/postgres/lsn.ts';
import { pathToBytes } from '../../src/postgres/path-bytes.ts';
import { pathBytes } from '../support/arbitrary-paths.ts';
import { chunkSizes, pushChunks } from '../support/chunks.ts';
import { sealManifest, serverManifest, type ServerManifest } from '../support/server-manifest.ts';

function readManifest(
  bytes: Buffer,
  sizes: readonly number[] = [65_536],
): { files: ManifestFile[]; summary: ManifestSummary } {
  const files: ManifestFile[] = [];
  const reader = new BackupManifestReader((file) => files.push(file));
  pushChunks(bytes, sizes, (buffer, start, end) => reader.push(buffer.subarray(start, end)));
  return { files, summary: reader.finish() };
}

const lsn = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(formatLsn);
const manifest: fc.Arbitrary<ServerManifest> = fc.record({
  version: fc.constantFrom(1 as const, 2 as const),
  systemIdentifier: fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
  files: fc.array(
    fc.record({
      path: pathBytes,
      size: fc.oneof(fc.nat(), fc.maxSafeNat()),
      checksum: fc.option(fc.stringMatching(/^[0-9a-f]{8}$/), { nil: undefined }),
    }),
    { maxLength: 12 },
  ),
  walRanges: fc.array(
    fc.record({ timeline: fc.integer({ min: 1, max: 2 ** 32 - 1 }), start: lsn, end: lsn }),
    {
      minLength: 1,
      maxLength: 3,
    },
  ),
});

describe("the server's backup manifest", () => {
  test('is read as it was written, however its bytes are cut', () => {
    fc.assert(
      fc.property(manifest, chunkSizes, (written, sizes) => {
        const { files, summary } = readManifest(serverManifest(written), sizes);
        expect(files.map(({ path }) => pathToBytes(path))).toEqual(written.files.map(({ path }) => path));
        expect(files).toEqual(
          written.files.map(({ size, checksum }) => ({
            path: expect.anything(),
            size,
            algorithm: checksum === undefined ? undefined : 'CRC32C',
            checksum,
          })),
        );
        expect(summary).toEqual({
          version: written.version,
          systemIdentifier: written.version === 1 ? undefined : String(written.systemIdentifier),
          walRanges: written.walRanges.map(({ timeline, start, end }) => ({
            timeline,
            start: parseLsn(start),
            end: parseLsn(end),
          })),
          fileCount: written.files.length,
        });
      }),
    );
  });

  test('is refused wherever it is cut short', () => {
    fc.assert(
      fc.property(manifest, fc.nat(), (written, at) => {
        const bytes = serverManifest(written);
        const cut = bytes.subarray(0, at % bytes.length);
        expect(() => readManifest(cut)).toThrow("the server's backup manifest has");
      }),
    );
  });

  test('is refused when any byte of it changed', () => {
    fc.assert(
      fc.property(manifest, fc.nat(), fc.integer({ min: 1, max: 255 }), (written, at, change) => {
        const bytes = serverManifest(written);
        const position = at % bytes.length;
        bytes[position] = bytes[position]! ^ change;
        expect(() => readManifest(bytes)).toThrow(expect.objectContaining({ code: 'PROTOCOL_VIOLATION' }));
      }),
      { numRuns: 500 },
    );
  });

  test('is refused when something follows its checksum', () => {
    const bytes = serverManifest({ version: 2, systemIdentifier: 1n, files: [], walRanges: [] });
    for (const more of ['\n', 'x', '{ "Path": "a", "Size": 1 }\n'])
      expect(() => readManifest(Buffer.concat([bytes, Buffer.from(more)]))).toThrow('the server');
  });

  test('is refused when its checksum is right and its content is not', () => {
    const head = '{ "PostgreSQL-Backup-Manifest-Version": 2,\n"System-Identifier": 1,\n"Files": [\n';
    const lines = [
      '{ "Path": "a" }\n',
      '{ "Path": "a", "Size": "1" }\n',
      '{ "Path": 1, "Size": 1 }\n',
      '{ "Path": "a", "Size": 1\n',
      '{ "Timeline": 1, "Start-LSN": "0/0", "End-LSN": "x" }\n',
      '{ "Timeline": "x", "Start-LSN": "0/0", "End-LSN": "0/0" }\n',
      '"Surprise": 1,\n',
      '{ "PostgreSQL-Backup-Manifest-Version": x,\n',
    ];
    for (const line of lines) {
      const bytes = sealManifest(Buffer.from(`${head}${line}`));
      expect(() => readManifest(bytes)).toThrow(expect.objectContaining({ code: 'PROTOCOL_VIOLATION' }));
    }
    expect(() => readManifest(sealManifest(Buffer.from('"Files": [\n],\n')))).toThrow('no end');
  });

  test('never makes a line without an end grow', () => {
    const reader = new BackupManifestReader(() => undefined);
    const endless = (): void => {
      for (let i = 0; i < 100; i++) reader.push(Buffer.alloc(1024, 'x'));
    };
    expect(endless).toThrow('a line longer than 64 KiB');
  });
});
