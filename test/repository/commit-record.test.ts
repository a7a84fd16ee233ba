import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { decodeCommitRecord, encodeCommitRecord } from '../../src/repository/commit-record.ts';
import { FORMAT_VERSION } from '../../src/repository/object-header.ts';
import { anyCommitRecord, commitRecord } from '../support/commit-records.ts';

const NAME = 'x/x.meta';
const sample = commitRecord('2026-11-22T02:00:00Z');
const damaged = expect.objectContaining({ code: 'OBJECT_DAMAGED' });

/** Any JSON, sealed as a record would be. */
function sealed(value: Record<string, unknown>): Buffer {
  const sha256 = createHash('sha256')
    .update(JSON.stringify(value, null, 2))
    .digest('hex');
  return Buffer.from(`${JSON.stringify({ ...value, sha256 }, null, 2)}\n`);
}

describe('a commit record', () => {
  test('is read back as it was written', () => {
    fc.assert(
      fc.property(anyCommitRecord, (record) => {
        expect(decodeCommitRecord(encodeCommitRecord(record), NAME)).toEqual(record);
      }),
    );
  });

  test('is readable JSON that ends with the SHA-256 of the rest', () => {
    const text = encodeCommitRecord(sample).toString();
    const { sha256, ...rest } = JSON.parse(text) as Record<string, unknown>;
    expect(rest).toEqual(sample);
    expect(sha256).toBe(
      createHash('sha256')
        .update(JSON.stringify(rest, null, 2))
        .digest('hex'),
    );
    expect(text).toContain('\n  "startLsn": "0/4000028",\n');
  });

  test('is refused when a bit of any byte flipped', () => {
    const bytes = encodeCommitRecord(sample);
    for (let position = 0; position < bytes.length; position++) {
      const flipped = Buffer.from(bytes);
      flipped[position] = flipped[position]! ^ (1 << (position % 8));
      expect(() => decodeCommitRecord(flipped, NAME)).toThrow(/^x\/x\.meta /);
    }
  });

  test('is refused when it was changed in a way that JSON passes over', () => {
    const text = encodeCommitRecord(sample).toString();
    const changed = [`${text} `, text.trim(), text.replace(': 0', ':-0'), text.replaceAll('\n', '\r\n')];
    for (const other of changed.filter((one) => one !== text))
      expect(() => decodeCommitRecord(Buffer.from(other), NAME)).toThrow(
        'does not agree with its own checksum',
      );
  });

  test('is refused wherever it was cut short', () => {
    const bytes = encodeCommitRecord(sample);
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeCommitRecord(bytes.subarray(0, length), NAME)).toThrow(damaged);
  });

  test('of a later format is told from damage, whatever else is in it', () => {
    const later = { formatVersion: FORMAT_VERSION + 1, surprise: true };
    const newer = expect.objectContaining({ code: 'REPOSITORY_NEWER_FORMAT' });
    expect(() => decodeCommitRecord(sealed(later), NAME)).toThrow(newer);
    expect(() => decodeCommitRecord(Buffer.from(JSON.stringify(later)), NAME)).toThrow(newer);
  });

  test('that is sealed but is no such record is refused', () => {
    const withoutStop = { ...sample, stopLsn: undefined };
    const others = [
      {},
      withoutStop,
      { ...sample, more: 1 },
      { ...sample, startLsn: 'here' },
      { ...sample, files: -1 },
      { ...sample, files: 1.5 },
      { ...sample, type: 'differential' },
      { ...sample, endTime: 'yesterday' },
      { ...sample, formatVersion: 0 },
      { ...sample, cipher: 'aes-256-gcm' },
    ];
    for (const other of others)
      expect(() => decodeCommitRecord(sealed(other), NAME)).toThrow('x/x.meta is not a commit record');
    for (const text of ['', '[]', 'null', '1', '{', '"x"'])
      expect(() => decodeCommitRecord(Buffer.from(text), NAME)).toThrow('x/x.meta is not a JSON object');
  });
});
