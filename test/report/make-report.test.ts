import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LarderError } from '../../src/errors.ts';
import type { StrategyFacts } from '../../src/report/facts/strategy-facts.ts';
import { makeReport } from '../../src/report/make-report.ts';
import { strategyReportSchema } from '../../src/report/strategy-report.ts';
import { badFacts, dailyBackups, logFacts, NOW, strategyFacts } from '../support/report/strategy-facts.ts';
import { drillReport } from '../support/proof-reports.ts';

const DAY = 86_400_000;
const SOURCES = [
  'record',
  'catalogue',
  'log',
  'retention',
  'stored',
  'capacity',
  'receiver',
  'runs',
  'proofs',
  'evidence',
] as const;

const reasonsOf = (facts: StrategyFacts): string[] =>
  makeReport(facts).verdict.reasons.map(({ status, text }) => `${status}: ${text}`);

/** Five weeks, less what a drill found. */
const withDrill = (drill: Parameters<typeof drillReport>[0]): StrategyFacts =>
  strategyFacts({
    evidence: {
      value: {
        proofs: [{ cluster: 'truck', report: drillReport({ began: '2026-11-26T10:00:00.000Z', ...drill }) }],
        unreadable: [],
      },
    },
  });

describe('the report', () => {
  test('of a strategy that holds says so, with every number', () => {
    const report = makeReport(strategyFacts());
    expect(report.verdict).toMatchObject({ status: 'ok', reasons: [] });
    expect(report.objectives.rpo).toMatchObject({ met: true, now: { seconds: 0 }, worst: { seconds: 12 } });
    expect(report.objectives.rto).toMatchObject({ met: true, last: { seconds: 550 } });
    expect(report.growth).toMatchObject({ logBytesPerDay: 1e9, sourceBytesPerDay: 350e6 });
    expect(report.cost.perMonth).toBeCloseTo(((report.storage?.totalBytes ?? 0) / 1e9) * 0.023);
    expect(report.retention?.classes.map(({ fulfilled }) => fulfilled)).not.toContain(false);
    expect(report.unknown).toEqual([]);
  });

  test('is what its schema says, for programs too', () => {
    for (const facts of [strategyFacts(), badFacts()]) {
      const report = makeReport(facts);
      expect(strategyReportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
    }
  });

  test('of a bad week names each thing that is wrong, the worst first', () => {
    const { verdict } = makeReport(badFacts());
    expect(verdict.status).toBe('failing');
    const order = verdict.reasons.map(({ status }) => ['failing', 'unknown', 'attention'].indexOf(status));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    const all = verdict.reasons.map(({ text }) => text).join('\n');
    for (const part of [
      'the RPO of 1 d 00 h is broken: 1 d 17 h',
      'the RTO of 4 h 00 min is broken: 5 h 06 min',
      'index orders_pkey of truck.public.orders lacks 3 entries',
      'statfs of /backups failed',
      '20261101_040000.json',
      'WAL is missing from',
      'full_backup_truck_20261024_020000 cannot be read',
      'in quarantine',
      'the newest run of backup_incremental failed: connect ECONNREFUSED',
      'no receiver runs on this host',
    ])
      expect(all).toContain(part);
  });

  test('whatever cannot be read is named, and never fine', () => {
    fc.assert(
      fc.property(fc.subarray([...SOURCES], { minLength: 1 }), (sources) => {
        const unknown = Object.fromEntries(
          sources.map((source) => [source, { unknown: `${source} is away` }]),
        );
        const report = makeReport({ ...strategyFacts(), ...unknown });
        expect(['unknown', 'failing']).toContain(report.verdict.status);
        for (const source of sources)
          expect(report.unknown.map(({ why }) => why)).toContain(`${source} is away`);
      }),
      { numRuns: 30 },
    );
  });

  test('without a configuration tells what is stored, and that nobody says what is wanted', () => {
    const away = { unknown: 'there is no configuration' };
    const facts = strategyFacts({
      cluster: undefined,
      wanted: undefined,
      receiver: away,
      runs: away,
      evidence: away,
    });
    const report = makeReport(facts);
    expect(report.verdict.status).toBe('unknown');
    expect(report.unknown).toHaveLength(1);
    expect(report.objectives).toMatchObject({
      rpo: { targetSeconds: null, met: null, now: { seconds: 14 } },
      rto: { targetSeconds: null, met: null },
    });
    expect(report.recovery?.backups).toHaveLength(35);
    expect([report.retention, report.schedule, report.runs]).toEqual([null, null, null]);
  });

  test('an empty repository fails', () => {
    const nothing = strategyFacts(
      {
        catalogue: { value: { backups: [], unreadable: [], proofs: new Map() } },
        log: logFacts([]),
        runs: { value: [] },
      },
      1,
    );
    expect(reasonsOf({ ...nothing, receiver: { value: undefined } })[0]).toBe(
      'failing: there is no good backup',
    );
  });
});

test('a drill that failed makes the backup no worse that it chose', () => {
  const chosen = dailyBackups(35).at(-1)!.id;
  const { recovery } = makeReport(withDrill({ backup: chosen, verdict: 'failed' }));
  expect(recovery?.backups.at(-1)).toMatchObject({ id: chosen, proof: 'proven' });
});

describe('backups that nobody has proven', () => {
  const provenUntil = (daysAgo: number): StrategyFacts => {
    const facts = strategyFacts();
    const proofs = 'value' in facts.proofs ? facts.proofs.value.proofs : [];
    const old = proofs.filter(({ report }) => Date.parse(report.began) < NOW - daysAgo * DAY);
    const none = { value: { proofs: [], unreadable: [] } };
    return { ...facts, proofs: { value: { proofs: old, unreadable: [] } }, evidence: none };
  };
  const unproven = (daysAgo: number): string[] =>
    reasonsOf(provenUntil(daysAgo)).filter((text) => text.includes('not proven'));

  test('are told of once they had a day for it, however often others were proven before', () => {
    expect(unproven(1)).toEqual([]);
    expect(unproven(5)).toEqual([expect.stringMatching(/^attention: \d backups since 2026-11-2\d/)]);
  });
});

describe('the RPO', () => {
  test('of a receiver that has told nothing for a while is the age of the newest recoverable point', () => {
    const receiver = {
      state: 'streaming',
      problem: undefined,
      updated: NOW - 60_000,
      unprotectedSince: undefined,
    };
    const { now } = makeReport(strategyFacts({ receiver: { value: receiver } })).objectives.rpo;
    expect(now.seconds).toBe(14);
  });

  test('is not known where no receiver runs and the log cannot be read', () => {
    const facts = strategyFacts({ receiver: { value: undefined }, catalogue: { unknown: 'EIO' } });
    expect(makeReport(facts).objectives.rpo).toMatchObject({ met: null, now: { seconds: null } });
  });

  test('without any log is as old as the newest backup, and was a day at its worst', () => {
    const backups = dailyBackups(35);
    const log = logFacts(backups, -1);
    const { rpo } = makeReport(strategyFacts({ log, receiver: { value: undefined } })).objectives;
    expect(rpo.now.seconds).toBeCloseTo((NOW - Date.parse(backups.at(-1)!.endTime)) / 1000);
    expect(rpo.worst.seconds).toBeGreaterThan(86_400);
    expect(rpo.met).toBe(false);
  });

  test('what retention has left without log was not unprotected', () => {
    const { worst } = makeReport(strategyFacts()).objectives.rpo;
    expect(worst.seconds).toBeLessThan(60);
  });
});

describe('the RTO', () => {
  test('is broken where no copy came up', () => {
    const { rto } = makeReport(
      withDrill({ recoverySeconds: null, met: false, verdict: 'failed' }),
    ).objectives;
    expect(rto).toMatchObject({ met: false, last: { seconds: null } });
  });

  test('was never measured where there was no drill', () => {
    const reasons = reasonsOf(strategyFacts({ evidence: { value: { proofs: [], unreadable: [] } } }));
    expect(reasons).toEqual([
      expect.stringMatching(/^attention: RTO: no drill was ever made; the restore test/),
    ]);
  });

  test('of another cluster is not ours', () => {
    const other = { cluster: 'other', report: drillReport() };
    const facts = strategyFacts({ evidence: { value: { proofs: [other], unreadable: [] } } });
    expect(makeReport(facts).objectives.rto.last.seconds).toBeNull();
  });
});

describe('growth', () => {
  test('of any number of backups of one size a day apart is that size a day', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 29 }), fc.integer({ min: 0, max: 1e12 }), (days, storedBytes) => {
        const backups = dailyBackups(days).map((backup) => ({ ...backup, storedBytes }));
        const facts = strategyFacts(
          { catalogue: { value: { backups, unreadable: [], proofs: new Map() } } },
          days,
        );
        expect(makeReport(facts).growth?.storedBytesPerDay).toBeCloseTo(storedBytes);
      }),
      { numRuns: 20 },
    );
  });

  test('of backups within a day is not known', () => {
    const facts = strategyFacts(
      { catalogue: { value: { backups: dailyBackups(1), unreadable: [], proofs: new Map() } } },
      1,
    );
    expect(makeReport(facts).growth).toMatchObject({ storedBytesPerDay: null, sourceBytesPerDay: null });
  });
});

describe('retention', () => {
  const classOf = (facts: StrategyFacts, name: string) =>
    makeReport(facts).retention?.classes.find((each) => each.name === name);

  test('names the weeks that no full backup was taken in', () => {
    const isOfWeek = ({ startTime }: { startTime: string }): boolean =>
      startTime >= '2026-11-08' && startTime < '2026-11-09';
    const backups = dailyBackups(35).filter((backup) => !isOfWeek(backup));
    const facts = strategyFacts();
    if (!('value' in facts.retention)) throw new Error('unreachable');
    const { value } = facts.retention;
    const retention = { value: { ...value, facts: { ...value.facts, backups } } };
    expect(classOf({ ...facts, retention }, 'weeks')).toMatchObject({
      fulfilled: false,
      remark: '1 week without a good full backup: 2026-W45',
    });
  });

  test('says when what is not kept goes, and frees', () => {
    const facts = strategyFacts();
    if (!('value' in facts.retention)) throw new Error('unreachable');
    const [first] = facts.retention.value.facts.backups;
    const id = dailyBackups(35).find(
      ({ type, startTime }) => type === 'incremental' && startTime < '2026-10-25',
    )!.id;
    expect(first).toBeDefined();
    const mark = { name: 'x', of: id, marked: NOW - 3_600_000 };
    const marked = { ...facts, retention: { value: { ...facts.retention.value, marks: [mark] } } };
    expect(makeReport(marked).retention?.removals).toMatchObject([
      { id, when: 'from 2026-11-27 14:00:00 UTC on' },
    ]);
    const due = { ...mark, marked: NOW - 2 * DAY };
    const next = { ...facts, retention: { value: { ...facts.retention.value, marks: [due] } } };
    const report = makeReport(next);
    expect(report.retention?.removals).toMatchObject([{ id, when: 'by the next run' }]);
    expect(report.retention?.bytes.nextRun).toBeGreaterThan(0);
  });

  test('promises a window that an unreadable log does not fulfil', () => {
    expect(classOf(strategyFacts({ log: { unknown: 'EIO' } }), 'transaction log')?.fulfilled).toBeNull();
    expect(classOf(strategyFacts({ log: logFacts(dailyBackups(35), 3) }), 'transaction log')?.fulfilled).toBe(
      false,
    );
  });
});

test('a backup whose record cannot be read is in the report with the reason', () => {
  const problem = new LarderError('OBJECT_DAMAGED', 'its checksum is wrong');
  const catalogue = {
    value: { backups: dailyBackups(3), unreadable: [{ id: 'full_backup_x', problem }], proofs: new Map() },
  };
  expect(makeReport(strategyFacts({ catalogue }, 3)).recovery?.unreadable).toEqual([
    { id: 'full_backup_x', problem: 'its checksum is wrong' },
  ]);
});
