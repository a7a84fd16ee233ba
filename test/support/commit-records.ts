import fc from 'fast-check';
import { formatLsn } from '../../src/postgres/lsn.ts';
import type { CommitRecord } from '../../src/repository/commit-record.ts';
import { formatBackupId } from '../../src/repository/layout.ts';

/** The commit record of a full backup that began at `started`. */
export function commitRecord(started: string, more: Partial<CommitRecord> = {}): CommitRecord {
  const id = formatBackupId({ type: 'full', cluster: 'truck', started: Date.parse(started) });
  return {
    formatVersion: 1,
    id,
    type: 'full',
    state: 'complete',
    parent: null,
    chain: id,
    cluster: 'truck',
    systemIdentifier: '7381902837465019283',
    serverVersion: '17.10 (Debian 17.10-1)',
    serverVersionNumber: 170010,
    walSegmentSize: 16 * 1024 * 1024,
    timeline: 1,
    startLsn: '0/4000028',
    stopLsn: '0/4000158',
    walRanges: [{ timeline: 1, start: '0/4000028', end: '0/4000158' }],
    startTime: new Date(started).toISOString(),
    endTime: new Date(Date.parse(started) + 90_000).toISOString(),
    sourceBytes: 1000,
    storedBytes: 500,
    files: 10,
    directories: 2,
    tablespaces: [{ oid: 16384, location: '/mnt/fast' }],
    databases: [{ name: 'truck', bytes: 900 }],
    warnings: [],
    objects: [{ name: `${id}/data-00001.pack`, size: 500, sha256: 'ab'.repeat(32) }],
    source: 'replication',
    compressionLevel: 1,
    cipher: 'none',
    writer: { epoch: 1, host: 'larder', process: 1 },
    larderVersion: '0.1.0',
    ...more,
  };
}

const count = fc.maxSafeNat();
const lsn = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(formatLsn);
const time = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2999-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const text = fc.string({ unit: 'grapheme', maxLength: 20 });

/** Any commit record. */
export const anyCommitRecord: fc.Arbitrary<CommitRecord> = fc
  .record({
    state: fc.constantFrom('complete' as const, 'corrupt_source' as const),
    systemIdentifier: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
    serverVersion: text,
    timeline: count,
    startLsn: lsn,
    stopLsn: lsn,
    walRanges: fc.array(fc.record({ timeline: count, start: lsn, end: lsn }), { maxLength: 3 }),
    startTime: time,
    endTime: time,
    sourceBytes: count,
    storedBytes: count,
    tablespaces: fc.array(fc.record({ oid: count, location: text }), { maxLength: 3 }),
    databases: fc.option(fc.array(fc.record({ name: text, bytes: fc.option(count) }), { maxLength: 3 })),
    warnings: fc.array(text, { maxLength: 3 }),
    objects: fc.array(fc.record({ name: text, size: count, sha256: fc.stringMatching(/^[0-9a-f]{64}$/) }), {
      maxLength: 4,
    }),
  })
  .map((more) => commitRecord('2026-11-22T02:00:00Z', more));
