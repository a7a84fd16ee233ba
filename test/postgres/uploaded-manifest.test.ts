import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BackupManifestReader } from '../../src/postgres/backup-manifest.ts';
import { isVisibilityMap, manifestToUpload } from '../../src/postgres/uploaded-manifest.ts';
import { serverManifest, type ListedFile } from '../support/server-manifest.ts';

const walRanges = [{ timeline: 1, start: '0/4000028', end: '0/4000158' }];
const paths = [
  'base/5/1',
  'base/5/1_vm',
  'base/5/INCREMENTAL.2_vm',
  'base/5/3_vm.1',
  'base/5/4_fsm',
  'global/5_vm',
  'PG_VERSION',
];

function manifestOf(listed: readonly string[]): Buffer {
  const files: ListedFile[] = listed.map((path, i) => ({
    path: Buffer.from(path),
    size: i,
    checksum: '00000000',
  }));
  return serverManifest({ version: 2, systemIdentifier: 7n, files, walRanges });
}

function* chunks(bytes: Buffer, cut: number): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += cut) yield bytes.subarray(start, start + cut);
}

async function uploaded(parts: Iterable<Buffer>): Promise<Buffer> {
  async function* source(): AsyncGenerator<Buffer> {
    yield* parts;
    await Promise.resolve();
  }
  const sent: Buffer[] = [];
  for await (const part of manifestToUpload(source(), isVisibilityMap)) sent.push(part);
  return Buffer.concat(sent);
}

describe('the manifest that the server is given back', () => {
  test('is one that it can have written, without the visibility maps, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(paths), fc.integer({ min: 1, max: 200 }), async (listed, cut) => {
        const manifest = manifestOf(listed);
        const sent = await uploaded(chunks(manifest, cut));
        const found: string[] = [];
        const reader = new BackupManifestReader(({ path }) => found.push(path));
        // it checks the last line's sum
        reader.push(sent);
        expect(reader.finish()).toMatchObject({ version: 2, systemIdentifier: '7' });
        expect(found).toEqual(listed.filter((path) => !isVisibilityMap(path)));
        // the server parses it as JSON
        expect(JSON.parse(sent.toString())).toMatchObject({ 'WAL-Ranges': [{ Timeline: 1 }] });
      }),
    );
  });

  test('is the same to the byte where there is no visibility map', async () => {
    const manifest = manifestOf(['base/5/1', 'PG_VERSION']);
    expect((await uploaded([manifest])).equals(manifest)).toBe(true);
  });
});
