import { describe, expect, test } from '@jest/globals';
import { walStatusJson, walStatusText } from '../../src/cli/wal-status-text.ts';
import type { PublishedStatus } from '../../src/transaction-log/receiver-status.ts';
import type { ArchiveState } from '../../src/verify/archive-state.ts';

const NOW = Date.parse('2026-11-22T10:00:00Z');
const NOTHING: ArchiveState = { archives: [], backups: [], problems: [], read: true };

function statusOf(changes: Partial<PublishedStatus> = {}): PublishedStatus {
  return {
    process: { host: 'larder', pid: 1 },
    updated: '2026-11-22T09:59:59.500Z',
    state: 'streaming',
    timeline: 1,
    received: '0/5000000',
    durable: '0/5000000',
    stored: '0/4000000',
    serverEnd: '0/5000000',
    slot: null,
    unprotectedSince: null,
    spoolBytes: 0,
    restarts: 0,
    problem: null,
    ...changes,
  };
}

function json(status: PublishedStatus | undefined): { lagBytes: unknown; unprotectedSeconds: unknown } {
  const { lagBytes, unprotectedSeconds } = walStatusJson(NOTHING, { status, now: NOW }) as ReturnType<
    typeof json
  >;
  return { lagBytes, unprotectedSeconds };
}

describe('what is unprotected', () => {
  test('is nothing once the receiver has everything, however long the server has been idle', () => {
    expect(json(statusOf())).toEqual({ lagBytes: 0, unprotectedSeconds: 0 });
    expect(walStatusText(NOTHING, { status: statusOf(), now: NOW })).toMatch(
      /^unprotected +0 s: everything/m,
    );
  });

  test('is counted in bytes, and from the oldest change on', () => {
    const behind = statusOf({ serverEnd: '0/5000400', unprotectedSince: '2026-11-22T09:59:57Z' });
    expect(json(behind)).toEqual({ lagBytes: 1024, unprotectedSeconds: 3 });
    expect(walStatusText(NOTHING, { status: behind, now: NOW })).toMatch(/^lag +1.02 kB$/m);
  });

  test('may be kept by the server: what it keeps for the receiver is told where it could be asked', () => {
    const slot = { name: 'larder_1', walStatus: 'extended', retainedBytes: 2e6, safeBytes: 5e6 };
    const text = (status: PublishedStatus): string => walStatusText(NOTHING, { status, now: NOW });
    expect(text(statusOf({ slot }))).toMatch(
      /^slot +larder_1, extended; the server keeps 2.00 MB for it; lost after 5.00 MB more$/m,
    );
    expect(text(statusOf())).not.toMatch(/^slot/m);
    expect(text(statusOf({ slot, updated: '2026-11-22T09:59:00Z' }))).not.toMatch(/^slot/m);
  });

  test('is not known without a receiver, nor from one that is silent or has lost the server', () => {
    expect(json(undefined)).toEqual({ lagBytes: null, unprotectedSeconds: null });
    const silent = statusOf({ updated: '2026-11-22T09:59:00Z' });
    expect(json(silent)).toEqual({ lagBytes: null, unprotectedSeconds: null });
    expect(walStatusText(NOTHING, { status: silent, now: NOW })).toContain(
      'told nothing since 2026-11-22 09:59:00',
    );
    const away = statusOf({ state: 'waiting', unprotectedSince: '2026-11-22T09:50:00Z' });
    expect(json(away)).toEqual({ lagBytes: null, unprotectedSeconds: 600 });
  });
});
