import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chooseParent, type ParentQuestion } from '../../src/backup/chain.ts';
import { chainOf } from '../../src/repository/backup-chain.ts';
import type { CommitRecord } from '../../src/repository/commit-record.ts';
import { blockHashesName } from '../../src/repository/layout.ts';
import { commitRecord } from '../support/commit-records.ts';

const IDENTITY = {
  systemIdentifier: '7',
  timeline: 1,
  position: 0x5000000n,
  serverVersionNumber: 180004,
  dataChecksums: true,
};
const question: ParentQuestion = {
  cluster: 'truck',
  identity: IDENTITY,
  changesFrom: 'server',
  maxChain: 14,
  wanted: undefined,
};

function record(id: string, more: Partial<CommitRecord> = {}): CommitRecord {
  const { parent = null } = more;
  return {
    ...commitRecord('2026-11-22T12:00:00Z'),
    id,
    type: parent === null ? 'full' : 'incremental',
    cluster: 'truck',
    systemIdentifier: '7',
    serverVersionNumber: 180004,
    timeline: 1,
    dataChecksums: true,
    state: 'complete',
    parent,
    chain: parent === null ? id : 'a',
    ...more,
  };
}

const a = record('a');
const b = record('b', { parent: 'a' });
const c = record('c', { parent: 'b' });

function choose(backups: readonly CommitRecord[], more: Partial<ParentQuestion> = {}) {
  return chooseParent({ backups, unreadable: [], proofs: new Map() }, { ...question, ...more });
}

function because(backups: readonly CommitRecord[], more: Partial<ParentQuestion> = {}): string | undefined {
  const choice = choose(backups, more);
  return choice.kind === 'full' ? choice.because : undefined;
}

describe('the next incremental backup builds on', () => {
  test('the newest backup, with its whole chain', () => {
    expect(choose([a])).toEqual({ kind: 'incremental', chain: [a] });
    expect(choose([a, b, c])).toEqual({ kind: 'incremental', chain: [a, b, c] });
  });

  test('the one that was named', () => {
    expect(choose([a, b, c], { wanted: 'b' })).toEqual({ kind: 'incremental', chain: [a, b] });
    expect(because([a, b], { wanted: 'x' })).toBe('there is no backup x');
  });

  test('an older one, when the newest is damaged or has lost what it builds on', () => {
    expect(choose([a, b, record('c', { parent: 'b', state: 'corrupt_source' })])).toMatchObject({
      chain: [a, b],
    });
    expect(choose([a, c])).toMatchObject({ chain: [a] });
    expect(because([b, c])).toContain('is missing or cannot be read');
  });

  test('nothing, and is a full one, for a reason that is told', () => {
    expect(because([])).toBe('there is no earlier backup');
    expect(because([record('a', { systemIdentifier: '8' })])).toContain('another cluster');
    expect(because([record('a', { cluster: 'other' })])).toContain('another cluster');
    expect(because([record('a', { serverVersionNumber: 170004 })])).toContain('another major version');
    expect(because([record('a', { timeline: 2 })])).toContain('timeline 2');
    expect(because([record('a', { stopLsn: '0/5000001' })])).toContain('was set back');
    expect(because([record('a', { dataChecksums: false })])).toContain('data checksums were switched');
    const older = { ...a };
    delete older.dataChecksums;
    expect(because([older])).toContain('a release without incremental backups');
  });

  test('a new full one, never an older branch, once the chain is as long as it may be', () => {
    expect(because([a, b, c], { maxChain: 2 })).toContain('a has 2 incremental backups, the most allowed');
    expect(choose([a, b, c], { maxChain: 3 })).toMatchObject({ chain: [a, b, c] });
    expect(because([a], { maxChain: 0 })).toContain('the most allowed');
  });

  test('only what has hashes, where contents are compared', () => {
    const hashed = (id: string, more: Partial<CommitRecord> = {}): CommitRecord =>
      record(id, { ...more, objects: [{ name: blockHashesName(id), size: 1, sha256: '' }] });
    const comparison = { changesFrom: 'comparison' } as const;
    expect(because([a], comparison)).toContain('a has no hashes to compare with');
    expect(choose([hashed('a')], comparison)).toMatchObject({ chain: [{ id: 'a' }] });
    expect(choose([hashed('a'), b], comparison)).toMatchObject({ chain: [{ id: 'a' }] });
    expect(choose([hashed('a'), b])).toMatchObject({ chain: [{ id: 'a' }, { id: 'b' }] });
  });
});

test('a chain ends, whatever the records say', () => {
  const ids = ['a', 'b', 'c', 'd'];
  const any = fc.record({
    id: fc.constantFrom(...ids),
    parent: fc.constantFrom(null, ...ids),
    chain: fc.constantFrom(...ids),
  });
  fc.assert(
    fc.property(fc.uniqueArray(any, { selector: ({ id }) => id, minLength: 1 }), (list) => {
      const backups = list.map(({ id, ...more }) => record(id, more));
      const byId = new Map(backups.map((backup) => [backup.id, backup]));
      for (const backup of backups) {
        const chain = chainOf(backup, byId);
        if (chain === undefined) continue;
        expect(chain.at(-1)).toBe(backup);
        expect(chain[0]).toMatchObject({ id: backup.chain, parent: null });
        chain.forEach(({ parent }, i) => expect(parent).toBe(chain[i - 1]?.id ?? null));
      }
    }),
  );
});
