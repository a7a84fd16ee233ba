import { LarderError } from '../../../src/errors.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import { formatBackupId } from '../../../src/repository/layout.ts';
import { DEFAULT_POLICY } from '../../../src/retention/policy.ts';
import type { RollForward } from '../../../src/restore/recovery/roll-forward.ts';
import type { StrategyFacts } from '../../../src/report/facts/strategy-facts.ts';
import { recoveryWindows } from '../../../src/verify/recovery-windows.ts';
import { commitRecord } from '../commit-records.ts';
import { drillReport, proofReport } from '../proof-reports.ts';

export const NOW = Date.parse('2026-11-26T15:00:00Z');
const DAY = 86_400_000;
const SYSTEM = '7381902837465019283';

/** A full backup every Sunday and an incremental one every other day, for so many days up to yesterday. */
export function dailyBackups(days: number): CommitRecord[] {
  const backups: CommitRecord[] = [];
  for (let day = days; day >= 1; day--) {
    const started = Date.parse('2026-11-26T02:00:00Z') - (day - 1) * DAY;
    const parent = backups.at(-1);
    const isFull = parent === undefined || new Date(started).getUTCDay() === 0;
    backups.push(dailyBackup(started, isFull ? undefined : parent, days - day));
  }
  return backups;
}

function dailyBackup(started: number, parent: CommitRecord | undefined, index: number): CommitRecord {
  const id = formatBackupId({
    type: parent === undefined ? 'full' : 'incremental',
    cluster: 'truck',
    started,
  });
  const sourceBytes = 40e9 + index * 350e6;
  const part = parent === undefined ? 0.31 : 0.012 + 0.004 * Math.sin(index);
  return commitRecord(new Date(started).toISOString(), {
    id,
    type: parent === undefined ? 'full' : 'incremental',
    parent: parent?.id ?? null,
    chain: parent?.chain ?? id,
    startLsn: `1/${(index * 0x1000000 + 0x28).toString(16).toUpperCase()}`,
    stopLsn: `1/${(index * 0x1000000 + 0x158).toString(16).toUpperCase()}`,
    endTime: new Date(
      started + (parent === undefined ? 640_000 + index * 2000 : 52_000 + 900 * (index % 5)),
    ).toISOString(),
    sourceBytes,
    storedBytes: Math.round(sourceBytes * part),
  });
}

function reach(record: CommitRecord, until: { lsn: string; time: number } | undefined): RollForward {
  const from = { lsn: parseLsn(record.stopLsn)!, time: record.endTime };
  return {
    backup: record.id,
    state: until === undefined ? 'own-end' : 'log',
    timeline: 1,
    from,
    until:
      until === undefined ? from : { lsn: parseLsn(until.lsn)!, time: new Date(until.time).toISOString() },
    hole: undefined,
    removed: until === undefined,
    problem: undefined,
  };
}

/** The log of the last days behind the backups, up to some seconds ago. */
export function logFacts(backups: readonly CommitRecord[], days = 7): StrategyFacts['log'] {
  const reaches = backups.map((record) =>
    reach(
      record,
      Date.parse(record.endTime) >= NOW - (days + 1) * DAY
        ? { lsn: '1/FF000000', time: NOW - 14_000 }
        : undefined,
    ),
  );
  return {
    value: {
      archives: [
        {
          systemIdentifier: SYSTEM,
          major: 17,
          segmentSize: 16 * 1024 * 1024,
          segments: 1200,
          tails: 1,
          storedBytes: 9e9,
          timelines: [1],
          received: undefined,
          windows: recoveryWindows(reaches),
          holes: [],
        },
      ],
      backups: reaches,
      problems: [],
      read: false,
    },
  };
}

/** A strategy of five weeks in which everything is as it should be. */
export function strategyFacts(more: Partial<StrategyFacts> = {}, days = 35): StrategyFacts {
  const backups = dailyBackups(days);
  const sum = (type: string): number =>
    backups.filter((each) => each.type === type).reduce((bytes, each) => bytes + each.storedBytes, 0);
  const proofs = backups.map((backup, index) => ({
    cluster: 'truck',
    report: proofReport({
      backup: backup.id,
      began: new Date(Date.parse(backup.endTime) + 60_000).toISOString(),
      seconds: backup.type === 'full' ? 410 + index : 96 + (index % 7),
    }),
  }));
  const drills = [21, 14, 7, 1]
    .filter((ago) => ago <= days)
    .map((ago, index) => ({
      cluster: 'truck',
      report: drillReport({
        backup: backups.at(-ago)?.id ?? 'none',
        began: new Date(NOW - ago * DAY + 3_600_000).toISOString(),
        seconds: 700 + 20 * index,
        recoverySeconds: 520 + 10 * index,
        lostSeconds: 9 + index,
      }),
    }));
  return {
    now: NOW,
    larderVersion: '0.1.0',
    cluster: 'truck',
    repository: '/backups',
    period: 30 * DAY,
    wanted: {
      rpo: DAY,
      rto: 4 * 3_600_000,
      storage: 0.8,
      policy: DEFAULT_POLICY,
      receives: true,
      price: { amount: 0.023, currency: 'USD' },
      schedules: {
        value: [
          { task: 'backup_full', when: '0 2 * * 0 UTC', next: Date.parse('2026-11-29T02:00:00Z') },
          { task: 'backup_incremental', when: '0 2 * * * UTC', next: Date.parse('2026-11-27T02:00:00Z') },
          { task: 'verify', when: 'after each backup', next: undefined },
        ],
      },
    },
    record: { value: true },
    catalogue: { value: { backups, unreadable: [], proofs: new Map() } },
    log: logFacts(backups),
    retention: {
      value: {
        facts: {
          backups,
          unreadable: [],
          verified: new Set(backups.map(({ id }) => id)),
          quarantined: new Set(),
          holds: [],
          logs: [],
        },
        marks: [],
      },
    },
    stored: {
      value: {
        full: sum('full'),
        incremental: sum('incremental'),
        log: 9e9,
        unfinished: 0,
        other: 4200,
        logByDay: new Map(
          Array.from({ length: 9 }, (_, ago) => [new Date(NOW - ago * DAY).toISOString().slice(0, 10), 1e9]),
        ),
      },
    },
    capacity: { value: { total: 400e9, free: 210e9 } },
    receiver: {
      value: { state: 'streaming', problem: undefined, updated: NOW - 500, unprotectedSince: undefined },
    },
    runs: {
      value: backups.flatMap(({ id, type, startTime, endTime }) => [
        {
          task: type === 'full' ? 'backup_full' : 'backup_incremental',
          started: Date.parse(startTime),
          ended: Date.parse(endTime),
          result: 'success',
          backupId: id,
        },
      ]),
    },
    proofs: { value: { proofs, unreadable: [] } },
    evidence: { value: { proofs: [...proofs, ...drills], unreadable: [] } },
    ...more,
  };
}

/** The same after a bad week: a failed proof, a drill that missed its objective, failed runs, a hole, things that cannot be read. */
export function badFacts(): StrategyFacts {
  const good = strategyFacts();
  const backups = dailyBackups(35).slice(0, -3);
  const log = logFacts(backups);
  if (!('value' in log) || !('value' in good.runs) || !('value' in good.evidence))
    throw new Error('unreachable');
  const [archive] = log.value.archives;
  const failed = proofReport({
    backup: backups.at(-1)!.id,
    began: '2026-11-23T03:00:00.000Z',
    verdict: 'failed',
    checks: [
      {
        name: 'indexes',
        result: 'failed',
        detail: '1 of 214 indexes',
        findings: [
          {
            code: 'VERIFICATION_FAILED',
            message: 'index orders_pkey of truck.public.orders lacks 3 entries of its table',
            file: 'base/16384/24601',
          },
        ],
        seconds: 20,
      },
    ],
  });
  const slow = drillReport({
    began: '2026-11-25T04:00:00.000Z',
    backup: backups.at(-2)!.id,
    recoverySeconds: 18_400,
    seconds: 19_000,
    lostSeconds: 100_000,
    met: false,
  });
  const failure = (day: number) => ({
    task: 'backup_incremental',
    started: Date.parse(`2026-11-${day}T02:00:00Z`),
    ended: Date.parse(`2026-11-${day}T02:22:00Z`),
    result: 'failure',
    errorCode: 'SERVER_UNREACHABLE',
    errorMessage: 'connect ECONNREFUSED 10.0.0.5:5432',
    hint: 'Is the server running, and does a firewall let Larder through?',
  });
  return {
    ...good,
    catalogue: {
      value: {
        proofs: new Map([[backups.at(-1)!.id, 'quarantined' as const]]),
        backups,
        unreadable: [
          {
            id: 'full_backup_truck_20261024_020000',
            problem: new LarderError('OBJECT_DAMAGED', 'its checksum is not the one it was written with'),
          },
        ],
      },
    },
    log: {
      value: {
        ...log.value,
        archives: [
          {
            ...archive!,
            windows: archive!.windows.map((window) => ({
              ...window,
              until: { ...window.until, time: '2026-11-24T21:14:00.000Z' },
            })),
            holes: [
              {
                start: 0x1f0000000n,
                end: 0x1f2000000n,
                segment: '000000010000000100000F0',
                lastSegment: '000000010000000100000F1',
                object: 'x',
                recorded: {
                  timeline: 1,
                  from: 0x1f0000000n,
                  to: 0x1f2000000n,
                  reason: 'slot-lost',
                  detail: 'the server gave the slot up: it kept more than max_slot_wal_keep_size',
                  recorded: '2026-11-24T21:20:00.000Z',
                },
                needed: true,
              },
            ],
          },
        ],
        problems: [
          new LarderError(
            'WAL_GAP',
            'WAL is missing from 1/F0000000 to 1/F2000000, beginning with segment 000000010000000100000F0',
          ),
        ],
      },
    },
    receiver: { value: undefined },
    capacity: { unknown: 'statfs of /backups failed: EIO' },
    runs: { value: [...good.runs.value.slice(0, -3), failure(24), failure(25), failure(26)] },
    proofs: { value: { proofs: [], unreadable: [] } },
    evidence: {
      value: {
        proofs: [
          ...good.evidence.value.proofs.filter(({ report }) => report.began < '2026-11-23'),
          { cluster: 'truck', report: failed },
          { cluster: 'truck', report: slow },
        ],
        unreadable: [{ name: '20261101_040000.json', problem: 'Unexpected end of JSON input' }],
      },
    },
  };
}
