import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { StoredLease } from '../../src/repository/lease-record.ts';
import { expiry, isFree } from '../../src/repository/lease-state.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const DAY = 86_400_000;

function lease(renewed: number, modified: number, released?: number): StoredLease {
  const record = {
    epoch: 1,
    token: 't',
    holder: 'backup',
    host: 'h',
    pid: 1,
    acquired: renewed,
    renewed,
    ttlSeconds: 60,
  };
  return {
    name: 'lease/0000000001',
    epoch: 1,
    modified,
    record: released === undefined ? record : { ...record, released },
  };
}

const alive = { now: NOW, holderIsDead: false };

describe('a lease is free', () => {
  test('when there is none, when it was released, and when its holder is dead', () => {
    expect(isFree(undefined, alive)).toBe(true);
    expect(isFree(lease(NOW, NOW, NOW), alive)).toBe(true);
    expect(isFree(lease(NOW, NOW), { now: NOW, holderIsDead: true })).toBe(true);
    expect(isFree(lease(NOW, NOW), alive)).toBe(false);
  });

  test('when both clocks say so, not when the holder has the wrong time', () => {
    const old = NOW - 60_000;
    expect(isFree(lease(old, old), alive)).toBe(true);
    expect(isFree(lease(old, old + 1), alive)).toBe(false);
    expect(isFree(lease(NOW - DAY, NOW - 5_000), alive)).toBe(false);
    expect(isFree(lease(NOW + DAY, NOW - 5_000), alive)).toBe(false);
    expect(isFree(lease(NOW + DAY, old), alive)).toBe(true);
  });

  test('exactly from its expiry on', () => {
    const near = fc.integer({ min: NOW - 120_000, max: NOW + 120_000 });
    fc.assert(
      fc.property(near, near, (renewed, modified) => {
        const end = expiry(lease(renewed, modified), NOW);
        expect(isFree(lease(renewed, modified), alive)).toBe(end === undefined);
        if (end === undefined) return;
        expect(end).toBeGreaterThan(NOW);
        expect(isFree(lease(renewed, modified), { now: end - 1, holderIsDead: false })).toBe(false);
      }),
    );
  });
});
