import { percentile } from '../percentile.ts';
import { mebibytes, table } from '../table.ts';
import type { Target } from '../targets.ts';
import type { IdleFindings } from './measure-idle.ts';

const MEBIBYTE = 1024 * 1024;

export function idleTables({
  backups,
  cpuRatio,
  idleSeconds,
  residentBytes,
  answers,
  runs,
}: IdleFindings): string[] {
  const idle = table(
    [`Idle with ${backups} backups, ${idleSeconds} s`, '% of a core', 'resident MiB'],
    [['Larder', (cpuRatio * 100).toFixed(2), mebibytes(residentBytes)]],
  );
  const rows = Object.entries(answers).map(([path, times]) => [
    path,
    ...[50, 99, 100].map((percent) => (percentile(times, percent) ?? 0).toFixed(1)),
    String(times.length),
  ]);
  const head = [`Answers during ${runs} backups`, 'p50 ms', 'p99 ms', 'highest ms', 'requests'];
  return [idle, table(head, rows)];
}

/** The targets of issue 5. */
export function idleTargets({ cpuRatio, residentBytes, answers }: IdleFindings): Target[] {
  const p99 = (path: '/metrics' | '/health'): Target => {
    const milliseconds = percentile(answers[path], 99);
    return {
      what: `service: ${path} while a backup runs, p99`,
      value: milliseconds === undefined ? undefined : milliseconds / 1000,
      missing: 'no backup ran long enough',
      limit: 0.05,
      unit: 's',
    };
  };
  return [
    { what: 'service: CPU when idle, of a core', value: cpuRatio * 100, limit: 1, unit: '%' },
    { what: 'service: resident memory when idle', value: residentBytes / MEBIBYTE, limit: 150, unit: 'MiB' },
    p99('/metrics'),
    p99('/health'),
  ];
}
