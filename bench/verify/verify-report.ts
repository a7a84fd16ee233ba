import type { Measurement } from '../measure.ts';
import { megabytes, spread, table } from '../table.ts';
import { median, type Target } from '../targets.ts';
import type { VerifyFindings } from './measure-verify.ts';

const MEBIBYTE = 1024 * 1024;
/** Of the time that the proof of a full backup takes. */
const LIMIT = 0.35;

/** What proofs took, and of what. */
export function verifyTables({ serverVersion, clusterBytes, full, incremental }: VerifyFindings): string[] {
  return [
    table(
      [`Verification by a real restore, PostgreSQL ${serverVersion}`, 'wall s', 'CPU s', 'peak MiB'],
      [
        ['a full backup', ...cells(full)],
        ['an incremental one, over the copy that was kept', ...cells(incremental)],
      ],
    ),
    `A cluster of ${megabytes(clusterBytes)} MB. Between the two backups 10000 rows were inserted.`,
  ];
}

function cells(runs: readonly Measurement[]): string[] {
  return [
    spread(
      runs.map(({ wallSeconds }) => wallSeconds),
      2,
    ),
    spread(
      runs.map(({ cpuSeconds }) => cpuSeconds),
      2,
    ),
    spread(
      runs.map(({ peakBytes }) => peakBytes / MEBIBYTE),
      0,
    ),
  ];
}

export function verifyTargets({ full, incremental }: VerifyFindings): Target[] {
  const [whole, part] = [full, incremental].map((runs) => median(runs.map(({ wallSeconds }) => wallSeconds)));
  const value = whole === undefined || part === undefined ? undefined : part / whole;
  return [
    {
      what: 'verifying an incremental backup over a kept copy: wall time, against a full one',
      value,
      limit: LIMIT,
      unit: '×',
    },
  ];
}
