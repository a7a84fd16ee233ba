import { describe, expect, test } from '@jest/globals';
import type { CommitRecord } from '../../src/repository/commit-record.ts';
import { formatBackupId } from '../../src/repository/layout.ts';
import { planBackups, type BackupVerdict } from '../../src/retention/plan.ts';
import { DEFAULT_POLICY, type RetentionPolicy } from '../../src/retention/policy.ts';
import type { RetentionView } from '../../src/retention/view.ts';
import { commitRecord } from '../support/commit-records.ts';

const NOW = Date.parse('2026-11-26T12:00:00Z');

function full(day: string, more: Partial<CommitRecord> = {}): CommitRecord {
  return commitRecord(`${day}T02:00:00Z`, more);
}

function incremental(day: string, parent: CommitRecord, more: Partial<CommitRecord> = {}): CommitRecord {
  const started = Date.parse(`${day}T02:00:00Z`);
  const id = formatBackupId({ type: 'incremental', cluster: 'truck', started });
  return full(day, { id, type: 'incremental', parent: parent.id, chain: parent.chain, ...more });
}

function plan(
  backups: readonly CommitRecord[],
  more: Partial<RetentionView> = {},
  policy: Partial<RetentionPolicy> = {},
): Map<string, BackupVerdict> {
  const view = {
    backups,
    unreadable: [],
    verified: new Set<string>(),
    quarantined: new Set<string>(),
    holds: [],
    logs: [],
    ...more,
  };
  const verdicts = planBackups(view, { ...DEFAULT_POLICY, ...policy }, NOW);
  return new Map(verdicts.map((verdict) => [verdict.id, verdict]));
}

const kinds = (verdict: BackupVerdict | undefined): string[] | undefined =>
  verdict?.reasons.map(({ kind }) => kind).sort();

/** Two that satisfy floor and newest, so that the rules for the others show. */
const recent = [full('2026-11-22'), full('2026-11-25')];

describe('a backup is kept', () => {
  test('for its days, whatever it is', () => {
    const old = full('2026-10-25');
    const young = [incremental('2026-10-28', old), full('2026-10-29', { state: 'corrupt_source' })];
    const found = plan([old, ...young, ...recent]);
    for (const { id } of young) expect(kinds(found.get(id))).toEqual(['days']);
    expect(kinds(found.get(old.id))).toEqual(['month', 'needed', 'week', 'year']);
    // 30 days after its start, to the second
    const edge = (time: string): boolean | undefined =>
      plan(
        [full('2026-01-01'), full('2026-10-02'), full('2026-10-26'), commitRecord(time), ...recent],
        {},
        { weeks: 0 },
      ).get(commitRecord(time).id)?.keep;
    expect(edge('2026-10-27T12:00:01Z')).toBe(true);
    expect(edge('2026-10-27T12:00:00Z')).toBe(false);
  });

  test('as the first full one of a week, a month and a year for their times', () => {
    const backups = [
      full('2019-11-27'),
      full('2019-11-25'),
      full('2025-11-25'),
      full('2025-12-01'),
      full('2026-01-01'),
      full('2026-09-03'),
      full('2026-09-04'),
      full('2026-09-08'),
    ].toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const found = plan([...backups, ...recent]);
    const said = Object.fromEntries(backups.map(({ id }) => [id.slice(12 + 6, 26), kinds(found.get(id))]));
    expect(said).toEqual({
      // the first of 2019 is seven years and a day old; the next one does not take its place
      '20191125': [],
      '20191127': [],
      // first of 2025, and its twelve months as first of November are over
      '20251125': ['year'],
      '20251201': ['month'],
      '20260101': ['month', 'year'],
      // first of its week too, which was twelve weeks and ten hours ago
      '20260903': ['month'],
      '20260904': [],
      '20260908': ['week'],
    });
    expect(found.get(full('2019-11-25').id)).toMatchObject({
      keep: false,
      expired: [{ kind: 'days' }, { kind: 'week', of: '2019-W48' }, { kind: 'month' }, { kind: 'year' }],
    });
  });

  test('as the first of a week only if it is good and full', () => {
    const damaged = full('2026-09-07', { state: 'corrupt_source' });
    const chain = full('2026-09-02');
    const step = incremental('2026-09-08', chain);
    const first = full('2026-09-09');
    const found = plan([full('2026-09-01'), chain, damaged, step, first, ...recent]);
    expect([damaged, step, first].map(({ id }) => kinds(found.get(id)))).toEqual([[], [], ['week']]);
  });

  test('while a kept one builds on it, and those are named', () => {
    const root = full('2026-10-21');
    const steps = [incremental('2026-10-22', root)];
    steps.push(incremental('2026-10-23', steps[0]!), incremental('2026-11-01', steps[0]!));
    const found = plan([full('2026-10-20'), root, ...steps, ...recent], {}, { weeks: 0 });
    expect(found.get(root.id)?.reasons).toEqual([{ kind: 'needed', by: steps[2]!.id, count: 2 }]);
    expect(kinds(found.get(steps[0]!.id))).toEqual(['needed']);
    expect(kinds(found.get(steps[1]!.id))).toEqual([]);
  });

  test('while it is held, with what it builds on, and also where the hold cannot be read', () => {
    const root = full('2026-09-02');
    const step = incremental('2026-09-03', root);
    const unreadable = full('2026-09-04');
    const lapsed = full('2026-09-05');
    const holds = [
      { backup: step.id, until: NOW + 1, reason: 'audit' },
      { backup: unreadable.id, until: undefined, reason: '?' },
      { backup: lapsed.id, until: NOW, reason: 'over' },
    ];
    const found = plan([full('2026-09-01'), root, step, unreadable, lapsed, ...recent], { holds });
    expect([root, step, unreadable, lapsed].map(({ id }) => kinds(found.get(id)))).toEqual([
      ['needed'],
      ['held'],
      ['held'],
      [],
    ]);
  });

  test('as one of the floor: verified ones first, others as far as those do not reach', () => {
    const old = ['2018-01-03', '2018-01-04', '2018-01-05', '2018-01-06'].map((day) => full(day));
    const kept = (verified: number[], floor: number): string[] => {
      const ids = new Set(verified.map((index) => old[index]!.id));
      return old.flatMap(({ id }, index) =>
        plan(old, { verified: ids }, { floor })
          .get(id)
          ?.reasons.some(({ kind }) => kind === 'floor') === true
          ? [String(index)]
          : [],
      );
    };
    expect(kept([], 2)).toEqual(['2', '3']);
    expect(kept([0, 1], 2)).toEqual(['0', '1']);
    expect(kept([0], 2)).toEqual(['0', '3']);
    expect(kept([], 9)).toEqual(['0', '1', '2', '3']);
    // the newest stays beside the verified ones
    expect(kinds(plan(old, { verified: new Set([old[0]!.id]) }, { floor: 1 }).get(old[3]!.id))).toEqual([
      'newest',
    ]);
  });

  test('as the newest by the log where a clock stood wrong', () => {
    const misdated = full('2001-01-01', { stopLsn: '0/9000158' });
    const found = plan([misdated, full('2018-01-02'), full('2018-01-03'), full('2018-01-04')]);
    expect(found.get(misdated.id)?.reasons).toEqual([{ kind: 'newest', by: 'log' }]);
  });

  test('of each lineage by itself', () => {
    const old = full('2018-01-03', { systemIdentifier: '1' });
    expect(kinds(plan([old, ...recent]).get(old.id))).toEqual(['floor', 'newest']);
  });

  test('when it lies ahead of the clock, and then it counts for nothing', () => {
    const ahead = full('2031-01-01');
    const good = full('2018-01-01');
    const found = plan([good, ahead], {}, { floor: 1 });
    expect(kinds(found.get(ahead.id))).toEqual(['ahead', 'days']);
    expect(kinds(found.get(good.id))).toEqual(['floor', 'newest']);
  });

  test('when it or what it builds on cannot be read, and when one that cannot be read may build on it', () => {
    const root = full('2018-01-01');
    const lost = incremental('2018-01-02', root).id;
    const orphan = incremental('2018-01-03', { ...root, id: lost });
    const later = full('2018-01-04');
    const other = full('2018-01-01', {
      id: 'full_backup_cart_20180101_020000',
      chain: 'full_backup_cart_20180101_020000',
    });
    const found = plan([root, other, orphan, later, ...recent], {
      unreadable: [{ id: lost, problem: 'no JSON' }],
    });
    expect(kinds(found.get(lost))).toEqual(['needed', 'unreadable']);
    expect(kinds(found.get(root.id))).toEqual(['maybe-needed', 'needed']);
    expect(kinds(found.get(orphan.id))).toEqual(['chain-unreadable']);
    expect(found.get(later.id)?.keep).toBe(false);
    expect(found.get(other.id)?.keep).toBe(false);
  });

  test('of a damaged source until a good one has followed', () => {
    const damaged = full('2018-02-01', { state: 'corrupt_source' });
    const good = full('2018-01-01');
    expect(kinds(plan([good, damaged]).get(damaged.id))).toEqual(['no-successor']);
    expect(plan([good, damaged, ...recent]).get(damaged.id)?.keep).toBe(false);
  });

  test('as the one that the promised window is reached from, on each path', () => {
    const before = full('2026-11-19', { stopLsn: '0/5000000' });
    const older = full('2026-11-18', { stopLsn: '0/4000000' });
    const policy = { days: 1, weeks: 0, months: 0, years: 0, floor: 1 };
    const kept = (paths: RetentionView['logs'][number]['paths']): string[] => {
      const logs = [{ systemIdentifier: before.systemIdentifier, paths }];
      const found = plan([older, before, ...recent], { logs }, policy);
      return [older, before].filter(({ id }) => kinds(found.get(id))?.includes('window')).map(({ id }) => id);
    };
    expect(kept([])).toEqual([]);
    expect(kept(undefined)).toEqual([before.id]);
    expect(kept([{ timeline: 1, history: [] }])).toEqual([before.id]);
    const branch = { timeline: 2, history: [{ timeline: 1, end: 0x4800000n }] };
    expect(kept([branch])).toEqual([older.id]);
    expect(kept([branch, { timeline: 1, history: [] }])).toEqual([older.id, before.id]);
  });
});

test('whoever turns the calendar off keeps what cannot be done without', () => {
  const root = full('2018-01-01');
  const step = incremental('2018-01-02', root);
  const found = plan([root, step], {}, { days: 1, weeks: 0, months: 0, years: 0, floor: 1 });
  expect([...found.values()].every(({ keep }) => keep)).toBe(true);
});
