import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mayMount, mountTest, rootTest } from '../support/able-to.ts';
import { TargetFiles } from '../../src/restore/target-files.ts';
import { mountedDirectory, temporaryDirectory } from '../support/temporary-directory.ts';

const MIB = 1024 * 1024;

/** An empty file of its full length, as a restore makes it before its pieces come. */
function makeFile(path: string, size: number): void {
  writeFileSync(path, '');
  truncateSync(path, size);
}

/** Writes a file in pieces of these lengths, last piece first. */
async function writePieces(
  targets: TargetFiles,
  path: string,
  content: Buffer,
  lengths: readonly number[],
): Promise<void> {
  const pieces: [number, Buffer][] = [];
  for (let offset = 0, turn = 0; offset < content.length; turn++) {
    const piece = content.subarray(offset, offset + lengths[turn % lengths.length]!);
    pieces.push([offset, piece]);
    offset += piece.length;
  }
  for (const [offset, piece] of pieces.toReversed())
    await targets.write({ path, fileSize: content.length }, offset, piece);
  await targets.settle();
}

describe('a file of one piece', () => {
  test('is made with its content, for its owner alone', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'file');
    const content = randomBytes(5000);
    await new TargetFiles(undefined, MIB).write({ path, fileSize: 5000 }, 0, content);
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('may have a name that is no text', async () => {
    await using directory = await temporaryDirectory();
    const path = Buffer.concat([Buffer.from(`${directory.path}/`), Buffer.from([0x61, 0xff, 0x62])]);
    const targets = new TargetFiles(undefined, MIB);
    await targets.write({ path: new Uint8Array(path), fileSize: 3 }, 0, Buffer.from('abc'));
    expect(readFileSync(path, 'utf8')).toBe('abc');
  });

  rootTest('belongs to whom it is to belong to', async () => {
    if (process.getuid?.() !== 0) return;
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'file');
    await new TargetFiles({ uid: 12, gid: 34 }, MIB).write({ path, fileSize: 3 }, 0, Buffer.from('abc'));
    expect(statSync(path)).toMatchObject({ uid: 12, gid: 34 });
  });

  test('never takes the place of another, nor follows a link', async () => {
    await using directory = await temporaryDirectory();
    const targets = new TargetFiles(undefined, MIB);
    const [path, link] = [join(directory.path, 'file'), join(directory.path, 'link')];
    writeFileSync(path, 'old');
    symlinkSync(join(directory.path, 'elsewhere'), link);
    for (const taken of [path, link]) {
      const written = targets.write({ path: taken, fileSize: 3 }, 0, Buffer.from('new'));
      await expect(written).rejects.toThrow(
        expect.objectContaining({
          code: 'RESTORE_FAILED',
          message: expect.stringMatching(`^could not write ${taken}: EEXIST`),
          hint: expect.stringContaining('cannot be started'),
        }),
      );
    }
    expect(readFileSync(path, 'utf8')).toBe('old');
  });
});

const places = [
  ['a disk', undefined],
  ...(mayMount ? [['a file system that refuses O_DIRECT', 'ramfs'] as const] : []),
] as const;

describe.each(places)('a file of many pieces on %s', (_, mount) => {
  const place = () => (mount === undefined ? temporaryDirectory() : mountedDirectory(mount));

  test.each([
    ['whole frames', [MIB]],
    ['pieces that begin anywhere', [4097, 100_000, 1, MIB - 3]],
    ['pages', [4096]],
  ])('is written from %s', async (_what, lengths) => {
    await using directory = await place();
    if (directory === undefined) return;
    const path = join(directory.path, 'file');
    const content = randomBytes(2 * MIB + 777);
    makeFile(path, content.length);
    const targets = new TargetFiles(undefined, MIB);
    await writePieces(targets, path, content, lengths);
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(targets.directRefused).toBe(mount !== undefined);
  });

  test('is one of more than can be open at once, each whole', async () => {
    await using directory = await place();
    if (directory === undefined) return;
    const targets = new TargetFiles(undefined, MIB);
    const contents = Array.from({ length: 40 }, () => randomBytes(20_000));
    const paths = contents.map((_content, i) => join(directory.path, String(i)));
    for (const path of paths) makeFile(path, 20_000);
    for (const offset of [0, 8192, 16_384]) {
      for (const [i, content] of contents.entries()) {
        const piece = content.subarray(offset, Math.min(offset + 8192, 20_000));
        await targets.write({ path: paths[i]!, fileSize: 20_000 }, offset, piece);
      }
    }
    await targets.settle();
    paths.forEach((path, i) => expect(readFileSync(path).equals(contents[i]!)).toBe(true));
  });

  test('must have been made before, and is no link', async () => {
    await using directory = await place();
    if (directory === undefined) return;
    const targets = new TargetFiles(undefined, MIB);
    const [absent, link] = [join(directory.path, 'absent'), join(directory.path, 'link')];
    symlinkSync('/dev/null', link);
    for (const path of [absent, link])
      await expect(targets.write({ path, fileSize: 9000 }, 0, Buffer.alloc(4096))).rejects.toThrow(
        expect.objectContaining({ code: 'RESTORE_FAILED' }),
      );
  });
});

mountTest('a full disk is named as such, with what to do', async () => {
  await using directory = await mountedDirectory('tmpfs');
  if (directory === undefined) return;
  const [whole, parts] = [join(directory.path, 'whole'), join(directory.path, 'parts')];
  const targets = new TargetFiles(undefined, 8 * MIB);
  const full = expect.objectContaining({
    code: 'RESTORE_FAILED',
    message: expect.stringContaining('ENOSPC'),
    hint: expect.stringContaining('Make room'),
  });
  const content = Buffer.alloc(5 * MIB, 1);
  await expect(targets.write({ path: whole, fileSize: content.length }, 0, content)).rejects.toThrow(full);
  makeFile(parts, 10 * MIB);
  const underway = targets
    .write({ path: parts, fileSize: 10 * MIB }, 0, content)
    .then(() => targets.settle());
  await expect(underway).rejects.toThrow(full);
  // it stays broken: nothing written after a hole may pass for whole
  await expect(targets.settle()).rejects.toThrow(full);
});

describe.each(places)('a file that an earlier copy left on %s', (_, mount) => {
  const place = () => (mount === undefined ? temporaryDirectory() : mountedDirectory(mount));
  const UNIT = 8192;

  test.each([
    ['nothing', []],
    ['its first unit', [0]],
    ['its last unit, which is shorter', [61]],
    ['some units', [3, 4, 5, 17, 60]],
    ['every unit', Array.from({ length: 62 }, (_each, i) => i)],
  ])('is written only where it differs: %s', async (_what, differing) => {
    await using directory = await place();
    if (directory === undefined) return;
    const path = join(directory.path, 'file');
    const content = randomBytes(61 * UNIT + 777);
    const earlier = Buffer.from(content);
    for (const unit of differing)
      earlier.writeUInt8(earlier.readUInt8(unit * UNIT + 5) ^ 0xff, unit * UNIT + 5);
    writeFileSync(path, earlier);
    const targets = new TargetFiles(undefined, MIB);
    const target = { path, fileSize: content.length, earlier: 'compare' } as const;
    const written = await targets.write(target, 0, content);
    await targets.settle();
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(written).toBe(differing.reduce((sum, unit) => sum + (unit === 61 ? 777 : UNIT), 0));
  });

  test('is written over as a whole where it has to be, and stays the file that it is', async () => {
    await using directory = await place();
    if (directory === undefined) return;
    const path = join(directory.path, 'file');
    writeFileSync(path, randomBytes(MIB));
    const { ino } = statSync(path);
    const content = randomBytes(MIB);
    const targets = new TargetFiles(undefined, MIB);
    expect(await targets.write({ path, fileSize: MIB, earlier: 'overwrite' }, 0, content)).toBe(MIB);
    await targets.settle();
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(statSync(path).ino).toBe(ino);
  });
});
