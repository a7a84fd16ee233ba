import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { crc32c, shiftCrc32c } from '../../../src/crc32c.ts';
import type { Manifest } from '../../../src/repository/manifest/manifest-reader.ts';
import type { FileEntry } from '../../../src/repository/manifest/records.ts';
import { believedFiles, whyNotBelieved } from '../../../src/restore/delta/believed-files.ts';
import type { KeptFile } from '../../../src/restore/delta/survey.ts';

const DAY = 24 * 3600 * 1000;
const FULL = 'full_backup_truck_20261122_120000';
const OTHER = 'full_backup_truck_20261123_120000';
const NEXT = 'incremental_backup_truck_20261124_120000';

/** A stretch of a file: bytes of a frame of one of the backups. */
interface Stretch {
  readonly member: string;
  readonly frame: number;
  readonly offset: number;
  readonly length: number;
}

const FRAME = 80_000;
const FRAMES = 3;

/** What the frames hold: of any two, bytes that differ everywhere. */
const contents = [FULL, OTHER, NEXT].map((_, member) =>
  Array.from({ length: FRAMES }, (__, frame) =>
    Buffer.from(Array.from({ length: FRAME }, (___, i) => (i % 23) * 9 + member * FRAMES + frame)),
  ),
);

function contentOf({ member, frame, offset, length }: Stretch): Buffer {
  const whole = contents[[FULL, OTHER, NEXT].indexOf(member)]![frame]!;
  return whole.subarray(offset, offset + length);
}

function manifestOf(chain: readonly string[], stretches: readonly Stretch[], known: boolean): Manifest {
  const frames = chain.flatMap(() =>
    Array.from({ length: FRAMES }, (_, i) => ({
      pack: 1,
      offset: i * FRAME,
      storedLength: FRAME,
      contentLength: FRAME,
      checksum: i,
    })),
  );
  let fileOffset = 0;
  const extents = stretches.map(({ member, frame, offset, length }) => {
    fileOffset += length;
    const number = chain.indexOf(member) * FRAMES + frame;
    return { fileOffset: fileOffset - length, length, frame: number, frameOffset: offset };
  });
  const content = Buffer.concat(stretches.map(contentOf));
  const file: FileEntry = {
    kind: 'file',
    path: 'base/5/1',
    size: content.length,
    mode: 0o600,
    modified: 0,
    checksum: known ? crc32c(content) : undefined,
    extents,
  };
  return {
    chain: chain.map((id) => ({ id, frames: FRAMES })),
    frames,
    files: [file],
    directories: [],
    bytes: 0,
  };
}

const stretchIn = (members: readonly string[]) =>
  fc.record({
    member: fc.constantFrom(...members),
    frame: fc.nat(FRAMES - 1),
    offset: fc.nat(FRAME / 2),
    length: fc.integer({ min: 1, max: FRAME / 2 }),
  });

/** A file of one backup, and what became of it by another: parts exchanged, cut off, put behind. */
const twoVersions = fc
  .record({
    chain: fc.constantFrom<readonly string[]>([FULL], [OTHER]),
    wanted: fc.constantFrom<readonly string[]>([FULL], [FULL, NEXT]),
    known: fc.boolean(),
    knownAfter: fc.boolean(),
  })
  .chain(({ chain, wanted, ...rest }) =>
    fc.record({
      before: fc.array(stretchIn(chain), { minLength: 1, maxLength: 5 }),
      others: fc.array(fc.option(stretchIn(wanted), { nil: undefined, freq: 1 }), {
        minLength: 5,
        maxLength: 5,
      }),
      more: fc.array(stretchIn(wanted), { maxLength: 2 }),
      cut: fc.nat(2),
      chains: fc.constant({ chain, wanted, ...rest }),
    }),
  )
  .map(({ before, others, more, cut, chains: { chain, wanted, known, knownAfter } }) => {
    // frames of another chain have other names, and so can be nothing of the wanted backup's
    const stretches = before.map((stretch, i) => {
      const other = others[i];
      if (other !== undefined) return { ...other, length: Math.min(other.length, stretch.length) };
      return { ...stretch, member: wanted.includes(stretch.member) ? stretch.member : FULL };
    });
    const after = [...stretches.slice(0, stretches.length - cut), ...more];
    const old = Buffer.concat(before.map(contentOf));
    const content = Buffer.concat(after.map(contentOf));
    return {
      old,
      content,
      earlier: manifestOf(chain, before, known),
      wanted: manifestOf(wanted, after, knownAfter),
    };
  });

const STAMP = '1 2 3 4 5';

function believedIn(earlier: Manifest, wanted: Manifest, { stamp = STAMP, now = DAY, proven = 0 } = {}) {
  const record = { backup: FULL, manifestSha256: '', bootId: 'b', time: 0 };
  const files = new Map([[0, { stamp: STAMP, proven }]]);
  const file: KeptFile = { path: 'x', stats: { size: 0, mode: 0, uid: 0, gid: 0 }, stamp };
  return believedFiles(
    { manifest: earlier, record: { ...record, files } },
    wanted,
    new Map([[0, file]]),
    now,
  );
}

describe('what an earlier restore left', () => {
  test('is known to the byte: nothing else is the same, and what is written completes the checksum', () => {
    let [found, partly] = [0, 0];
    fc.assert(
      fc.property(twoVersions, ({ old, content, earlier, wanted }) => {
        const believed = believedIn(earlier, wanted).get(0);
        if (believed === undefined) return;
        found += 1;
        // as the file is before anything is written
        const there = Buffer.alloc(content.length);
        old.copy(there);
        let { checksum, bytes } = believed.contents;
        for (const { start, end } of believed.differing.within(0, content.length)) {
          const replaced = crc32c(there.subarray(start, end)) ^ crc32c(content.subarray(start, end));
          checksum = (checksum ^ shiftCrc32c(replaced >>> 0, content.length - end)) >>> 0;
          content.copy(there, start, start, end);
          bytes += end - start;
        }
        if (bytes > believed.contents.bytes && believed.contents.bytes > 0) partly += 1;
        expect(there.equals(content)).toBe(true);
        expect(bytes).toBe(content.length);
        if (wanted.files[0]?.checksum !== undefined) expect(checksum).toBe(crc32c(content));
      }),
      { numRuns: 300 },
    );
    expect([found > 100, partly > 20]).toEqual([true, true]);
  });

  const whole = manifestOf([FULL], [{ member: FULL, frame: 0, offset: 0, length: 9000 }], true);

  test('is not believed of a file that looks otherwise, that was long not read, or of which the backups disagree', () => {
    expect(believedIn(whole, whole).get(0)?.differing.bytes).toBe(0);
    expect(believedIn(whole, whole, { stamp: '1 2 3 4 6' }).size).toBe(0);
    expect(believedIn(whole, whole, { now: 8 * DAY }).size).toBe(1);
    expect(believedIn(whole, whole, { now: 8 * DAY + 1 }).size).toBe(0);
    // its content has a time to come: the clock was set
    expect(believedIn(whole, whole, { proven: 2 * DAY }).size).toBe(0);
    const [file] = whole.files;
    const other = { ...whole, files: [{ ...file!, checksum: 1 }] };
    expect(believedIn(whole, other).size).toBe(0);
  });

  test('is compared where most of it lies elsewhere and has hashes', () => {
    const elsewhere = manifestOf([OTHER], [{ member: OTHER, frame: 0, offset: 0, length: 9000 }], true);
    expect(believedIn(whole, elsewhere).get(0)?.contents.bytes).toBe(0);
    const [file] = elsewhere.files;
    const hashed = { ...elsewhere, files: [{ ...file!, hashes: { member: 0, offset: 0 } }] };
    expect(believedIn(whole, hashed).size).toBe(0);
  });

  test('is believed only since the machine was started, by a clock that goes on, and while no server ran', () => {
    const record = { bootId: 'one', time: 1000 };
    const now = { bootId: 'one', now: 1000, ranServer: false, evenAfterServer: false };
    expect(whyNotBelieved(record, now)).toBeUndefined();
    expect(whyNotBelieved(record, { ...now, bootId: 'two' })).toMatch(/machine was started/);
    expect(whyNotBelieved(record, { ...now, bootId: undefined })).toMatch(/machine was started/);
    expect(whyNotBelieved(record, { ...now, now: 999 })).toMatch(/clock was set back/);
    expect(whyNotBelieved(record, { ...now, ranServer: true })).toMatch(/a server was started/);
    expect(whyNotBelieved(record, { ...now, ranServer: true, evenAfterServer: true })).toBeUndefined();
  });
});
