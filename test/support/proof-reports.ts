import type { DrillReport, ProofReport } from '../../src/verify/proof-report.ts';

/** A restore test that passed. */
export function proofReport(more: Partial<ProofReport> = {}): ProofReport {
  return {
    backup: 'full_backup_truck_20261122_020000',
    level: 'restore',
    verdict: 'verified',
    began: '2026-11-22T02:05:00.000Z',
    seconds: 42.5,
    phases: [
      { name: 'restore', seconds: 30 },
      { name: 'start', seconds: 2 },
      { name: 'check', seconds: 10.5 },
    ],
    checks: [
      {
        name: 'row_counts',
        result: 'passed',
        detail: '18,204 rows in 42 tables',
        findings: [],
        seconds: 3,
      },
    ],
    reached: { lsn: '0/5000028', lastCommit: '2026-11-22T02:00:59.000Z' },
    host: { serverVersion: '18.6', libc: 'glibc 2.41', icu: null, confinement: 'network' },
    larderVersion: '0.1.0',
    ...more,
  };
}

/** A drill that met its objectives. */
export function drillReport(more: Partial<DrillReport> = {}): DrillReport {
  return {
    ...proofReport(),
    scenario: 'host_loss',
    repository: '/backups',
    target: 'the newest point',
    remarks: [],
    passedOver: [],
    recoverySeconds: 35,
    recoveredTo: '2026-11-22T02:04:48.000Z',
    lostSeconds: 12,
    objectives: { rpoSeconds: 86_400, rtoSeconds: 14_400 },
    met: true,
    applicationOutput: null,
    ...more,
  };
}
