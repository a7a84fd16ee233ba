import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { crc32c, crc32cHex } from '../../../src/crc32c.ts';
import { BackupManifestReader, type ManifestFile } from '../../../src/postgres/backup-manifest.ts';
import { BaseBackupReader } from '../../../src/postgres/replication/base-backup-reader.ts';
import { MessageReader } from '../../../src/postgres/replication/messages.ts';
import { TarReader, type TarEntry } from '../../../src/postgres/replication/tar-reader.ts';
import { chunkSizes, pushChunks } from '../../support/chunks.ts';
import {
  commandComplete,
  copyData,
  copyDone,
  copyOut,
  dataRow,
  readyForQuery,
  report,
  rowDescription,
} from '../../support/server-messages.ts';

type Event = [kind: string, ...details: unknown[]];

/** Everything a stream leads to, neighbouring bytes put together. */
function follow(stream: Uint8Array, sizes: readonly number[] = [262_144]): Event[] {
  const events: Event[] = [];
  const bytes = (kind: string, piece: Buffer): void => {
    const last = events.at(-1);
    if (last?.[0] === kind) (last[1] as Buffer[]).push(Buffer.from(piece));
    else events.push([kind, [Buffer.from(piece)]]);
  };
  const reader = new MessageReader(
    new BaseBackupReader({
      started: (...all) => events.push(['started', ...all]),
      archiveStart: (...all) => events.push(['archive', ...all]),
      archiveBytes: (buffer, start, end) => bytes('bytes', buffer.subarray(start, end)),
      manifestStart: () => events.push(['manifest']),
      manifestBytes: (buffer, start, end) => bytes('manifest bytes', buffer.subarray(start, end)),
      notice: (message) => events.push(['notice', message.message]),
      ended: (outcome) => events.push(['ended', outcome]),
    }),
  );
  pushChunks(stream, sizes, (buffer, start, end) => reader.push(buffer, start, end));
  return events.map((event) =>
    Array.isArray(event[1]) && event[0].endsWith('bytes')
      ? [event[0], Buffer.concat(event[1] as Buffer[])]
      : event,
  );
}

function recording(name: string): Buffer {
  return gunzipSync(readFileSync(join(import.meta.dirname, 'fixtures', `${name}.gz`)));
}

function readTar(bytes: Buffer): (TarEntry & { content: Buffer })[] {
  const entries: (TarEntry & { content: Buffer })[] = [];
  const reader = new TarReader({
    entryStart: (entry) => entries.push({ ...entry, content: Buffer.alloc(0) }),
    entryBytes: (buffer, start, end) => {
      const entry = entries.at(-1)!;
      entry.content = Buffer.concat([entry.content, buffer.subarray(start, end)]);
    },
    entryEnd: () => undefined,
  });
  reader.push(bytes, 0, bytes.length);
  reader.finish();
  return entries;
}

function readServerManifest(bytes: Buffer): Map<string, ManifestFile> {
  const files = new Map<string, ManifestFile>();
  const reader = new BackupManifestReader((file) => files.set(file.path, file));
  reader.push(bytes);
  reader.finish();
  return files;
}

describe('a recorded BASE_BACKUP of PostgreSQL', () => {
  test.each([
    ['15', 1],
    ['18', 2],
  ])('%s is followed from its start position to its success', (major, version) => {
    const events = follow(recording(`base-backup-${major}`));
    const [started, space, spaceBytes, base, baseBytes, manifest, manifestBytes, ended] = events;
    expect(events.map(([kind]) => kind)).toEqual([
      ...['started', 'archive', 'bytes', 'archive', 'bytes', 'manifest', 'manifest bytes', 'ended'],
    ]);
    expect(started).toMatchObject([
      'started',
      { timeline: 1 },
      [{ oid: expect.any(Number), location: expect.stringMatching(/^\/.*\/space$/) }],
      expect.any(Number),
    ]);
    const [row] = started![2] as { oid: number; location: string }[];
    expect(space).toEqual(['archive', `${String(row!.oid)}.tar`, row!.location]);
    expect(base).toEqual(['archive', 'base.tar', '']);
    expect(manifest).toEqual(['manifest']);
    expect(String(manifestBytes![1])).toMatch(`{ "PostgreSQL-Backup-Manifest-Version": ${String(version)},`);
    expect(ended).toMatchObject(['ended', { stop: { timeline: 1 }, completed: true, error: undefined }]);

    const entries = readTar(baseBytes![1] as Buffer);
    expect(entries[0]!.name).toBe('backup_label');
    expect(String(entries[0]!.content)).toContain("\nLABEL: it's a test\n");
    expect(entries.map(({ name }) => name)).toEqual(expect.arrayContaining(['pg_wal', 'global/pg_control']));
    expect(readTar(spaceBytes![1] as Buffer).filter(({ type }) => type === 'file')).toHaveLength(1);
  });

  test.each(['15', '18'])('%s lists every file that came, with the checksum it has', (major) => {
    const events = follow(recording(`base-backup-${major}`));
    const listed = readServerManifest(events.find(([kind]) => kind === 'manifest bytes')![1] as Buffer);
    const files = readTar(events[4]![1] as Buffer)
      .filter(({ type, name }) => type === 'file' && !name.includes('pg_wal/'))
      .map((file) => ({ ...file, name: file.name.replace(/^\.\//, '') }));
    expect(files.length).toBeGreaterThan(250);
    for (const { name, size, content } of files) {
      expect(listed.get(name)).toMatchObject({ size });
      // larger ones were recorded as zeros
      if (size <= 8192) expect(listed.get(name)!.checksum).toBe(crc32cHex(crc32c(content)));
    }
  });

  test('with a damaged page ends in an error after everything else', () => {
    const events = follow(recording('base-backup-18-damaged-page'));
    expect(events.find(([kind]) => kind === 'notice')).toMatchObject([
      'notice',
      expect.stringContaining('checksum verification failed in file'),
    ]);
    expect(events.at(-1)).toMatchObject([
      'ended',
      { stop: { timeline: 1 }, completed: false, error: { code: 'XX001', severity: 'ERROR' } },
    ]);
  });

  test('is the same however its bytes are cut', () => {
    const stream = recording('base-backup-18').subarray(0, 400_000);
    const whole = follow(stream);
    fc.assert(
      fc.property(chunkSizes, (sizes) => {
        // toEqual would compare the bytes one by one
        for (const [i, [kind, first]] of follow(stream, [...sizes, 5000]).entries()) {
          expect(kind).toBe(whole[i]![0]);
          if (Buffer.isBuffer(first)) expect(first.equals(whole[i]![1] as Buffer)).toBe(true);
        }
      }),
      { numRuns: 20 },
    );
  });
});

const begin = [
  rowDescription,
  dataRow(['0/4000028', '3']),
  commandComplete('SELECT'),
  rowDescription,
  dataRow(['16384', '/mnt/fast', '100']),
  dataRow([null, null, '23']),
  commandComplete('SELECT'),
  copyOut,
];
const end = [
  copyDone,
  rowDescription,
  dataRow(['0/4000100', '3']),
  commandComplete('SELECT'),
  commandComplete('BASE_BACKUP'),
  readyForQuery,
];

function outcome(...messages: readonly Buffer[]): unknown {
  return follow(Buffer.concat(messages)).at(-1)?.[1];
}

describe('a BASE_BACKUP stream', () => {
  test('tells where it starts, its tablespaces and the estimated bytes of all', () => {
    expect(follow(Buffer.concat(begin))).toEqual([
      [
        'started',
        { lsn: 0x4000028n, timeline: 3 },
        [{ oid: 16384, location: '/mnt/fast', size: 102_400 }],
        123 * 1024,
      ],
    ]);
  });

  test('has succeeded only when the server says so', () => {
    const stop = { lsn: 0x4000100n, timeline: 3 };
    expect(outcome(...begin, ...end)).toEqual({ stop, completed: true, error: undefined });
    expect(outcome(...begin, ...end.slice(0, 4), readyForQuery)).toMatchObject({ stop, completed: false });
    expect(outcome(...begin, copyDone, readyForQuery)).toMatchObject({ stop: undefined, completed: false });
  });

  test('has no stop position but the one that comes after the data', () => {
    const withoutRow = [copyDone, rowDescription, commandComplete('SELECT'), readyForQuery];
    expect(outcome(...begin, ...withoutRow)).toMatchObject({ stop: undefined, completed: false });
  });

  test('keeps the first error, wherever it comes', () => {
    const errors = [
      report('E', { V: 'ERROR', C: '55000', M: 'the standby was promoted' }),
      report('E', { V: 'FATAL', C: '57P01', M: 'terminating' }),
    ];
    const expected = { stop: undefined, completed: false, error: { code: '55000' } };
    expect(outcome(...errors, readyForQuery)).toMatchObject(expected);
    expect(outcome(...begin, copyData('nbase.tar\0\0'), ...errors, readyForQuery)).toMatchObject(expected);
  });

  test('passes on notices, and over progress and parameters', () => {
    const events = follow(
      Buffer.concat([
        ...begin,
        copyData('p\0\0\0\0\0\0\0\x01'),
        report('N', { V: 'WARNING', C: '01000', M: 'careful' }),
        ...end,
      ]),
    );
    expect(events.map(([kind]) => kind)).toEqual(['started', 'notice', 'ended']);
  });

  test('is refused when its messages come out of order', () => {
    const outOfOrder = [
      [copyOut],
      [copyData('d')],
      [commandComplete('SELECT'), commandComplete('SELECT')],
      [...begin, commandComplete('SELECT')],
      [...begin, copyDone, copyData('dx')],
      [...begin, copyData('')],
      [...begin, copyData('x')],
      [...begin, copyData('nbase.tar')],
      [...begin, copyData('nbase.tar\0')],
      [...begin, copyData('m'), copyData('nbase.tar\0\0')],
      [dataRow(['nowhere', '1'])],
      [dataRow(['0/0', 'x'])],
      [dataRow(['0/0', null])],
    ];
    for (const messages of outOfOrder)
      expect(() => follow(Buffer.concat(messages))).toThrow(
        expect.objectContaining({ code: 'PROTOCOL_VIOLATION' }),
      );
  });

  test('is refused when a message that must be short is long, in one piece or in many', () => {
    const long = Buffer.concat([...begin, copyData(Buffer.alloc(200_000, 'n'))]);
    expect(() => follow(long)).toThrow('copyData');
    expect(() => follow(long, [1000])).toThrow('copyData');
  });
});
