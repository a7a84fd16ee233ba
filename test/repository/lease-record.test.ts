import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  decodeLease,
  encodeLease,
  leaseName,
  type LeaseRecord,
  listLeases,
} from '../../src/repository/lease-record.ts';
import { openMemoryStore } from '../../src/storage/memory-store.ts';
import { FakeClock } from '../support/fake-clock.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((value) => !/\p{Cc}/u.test(value));
const time = fc.integer({ min: 0, max: 4_000_000_000_000 });
const record: fc.Arbitrary<LeaseRecord> = fc.record(
  {
    epoch: fc.integer({ min: 1, max: 9_999_999_999 }),
    token: text,
    holder: text,
    host: text,
    pid: fc.integer({ min: 1, max: 4_194_304 }),
    bootId: text,
    pidNamespace: text,
    processStart: text,
    acquired: time,
    renewed: time,
    released: time,
    ttlSeconds: fc.integer({ min: 1, max: 3600 }),
  },
  { requiredKeys: ['epoch', 'token', 'holder', 'host', 'pid', 'acquired', 'renewed', 'ttlSeconds'] },
);

describe('a lease record', () => {
  test('comes back as it was stored', () => {
    fc.assert(
      fc.property(record, (value) => {
        expect(decodeLease(encodeLease(value), value.epoch)).toEqual(value);
      }),
    );
  });

  test('of another epoch than its name says is not one', () => {
    fc.assert(fc.property(record, (value) => decodeLease(encodeLease(value), value.epoch + 1) === undefined));
  });

  test('cannot carry control characters to a terminal', () => {
    fc.assert(
      fc.property(
        record,
        (value) => decodeLease(encodeLease({ ...value, host: 'a\u001b[2J' }), value.epoch) === undefined,
      ),
    );
  });

  test('is never read from other bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => decodeLease(bytes, 1) === undefined));
  });
});

test('leases are listed by epoch, and other objects beside them are passed over', async () => {
  const store = openMemoryStore(new FakeClock());
  for (const name of [leaseName(12), leaseName(3), 'lease/readme', 'lease/00000000012', leaseName(100)]) {
    await store.putIfAbsent(name, new Uint8Array());
  }
  expect((await listLeases(store)).map(({ epoch }) => epoch)).toEqual([3, 12, 100]);
});
