import type { IdleFindings } from './idle/measure-idle.ts';
import type { IncrementalFindings } from './incremental/measure-incremental.ts';
import type { PeerRuns } from './rounds.ts';
import type { VerifyFindings } from './verify/measure-verify.ts';
import type { WalFindings } from './wal/measure-wal.ts';

/** One thing to reach. */
export interface Target {
  readonly what: string;
  /** `undefined`: what it needs was not measured. */
  readonly value: number | undefined;
  /** Why it was not measured; that pgBackRest is not there, by default. */
  readonly missing?: string;
  readonly limit: number;
  /** On which side of the limit the value must be; at most by default. */
  readonly bound?: 'at most' | 'at least';
  readonly unit: '×' | '%' | 's' | 'MiB' | 'objects';
}

/** Larder's own runs that no peer is compared with. */
export interface MemoryRun {
  readonly what: string;
  readonly backupPeakBytes: number;
  readonly restorePeakBytes: number;
}

export interface SmallRun {
  readonly clusterBytes: number;
  readonly wallSeconds: number;
  /** What the server's own checkpoint took of it. */
  readonly checkpointSeconds: number;
  readonly objects: number;
}

/** What the parts that ran found. */
export interface Findings {
  readonly peers: readonly PeerRuns[];
  readonly memory: readonly MemoryRun[];
  readonly small: readonly SmallRun[];
  readonly wal?: WalFindings;
  readonly incremental?: IncrementalFindings | undefined;
  readonly idle?: IdleFindings | undefined;
  readonly verify?: VerifyFindings | undefined;
}

const MEBIBYTE = 1024 * 1024;
const MEMORY_LIMIT = 300;

/** The middle value; the mean of the two in the middle of an even number. `undefined` for none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2;
}

/** Every target that the findings speak of, in the order of the table. */
export function targetsOf(findings: Findings): Target[] {
  return [...ratioTargets(findings.peers), ...memoryTargets(findings), ...smallTargets(findings.small)];
}

function ratioTargets(peers: readonly PeerRuns[]): Target[] {
  const ours = peers.find(({ name }) => name === 'Larder');
  const theirs = peers.find(({ name }) => name === 'pgBackRest');
  if (ours === undefined) return [];
  const ratio = (what: string, limit: number, of: (runs: PeerRuns) => readonly number[]): Target => {
    const mine = median(of(ours));
    const other = theirs === undefined ? undefined : median(of(theirs));
    const value = mine === undefined || other === undefined ? undefined : mine / other;
    return { what: `${what}, against pgBackRest`, value, limit, unit: '×' };
  };
  const backups = [
    ratio('backup: wall time', 0.6, (runs) => runs.backups.map((run) => run.wallSeconds)),
    ratio('backup: stored bytes', 1.1, (runs) => runs.storedBytes),
    ratio('backup: CPU time', 0.7, (runs) => runs.backups.map((run) => run.cpuSeconds)),
  ];
  const restores = [
    ratio('restore: wall time', 0.6, (runs) => runs.restores.map((run) => run.wallSeconds)),
    ratio('restore: CPU time', 0.7, (runs) => runs.restores.map((run) => run.cpuSeconds)),
  ];
  return [...backups, ...(ours.restores.length === 0 ? [] : restores)];
}

/** The worst run counts: a limit on memory is broken by being broken once. */
function memoryTargets({ peers, memory }: Findings): Target[] {
  const compared = peers.filter(({ name }) => name === 'Larder');
  return [
    ...compared.flatMap(({ backups, restores }) => [
      peak(
        'backup of the compared cluster',
        backups.map((run) => run.peakBytes),
      ),
      ...(restores.length === 0
        ? []
        : [
            peak(
              'restore of the compared cluster',
              restores.map((run) => run.peakBytes),
            ),
          ]),
    ]),
    ...memory.flatMap(({ what, backupPeakBytes, restorePeakBytes }) => [
      peak(`backup of ${what}`, [backupPeakBytes]),
      peak(`restore of ${what}`, [restorePeakBytes]),
    ]),
  ];
}

function peak(what: string, bytes: readonly number[]): Target {
  const value = Math.max(...bytes) / MEBIBYTE;
  return { what: `peak resident memory: ${what}`, value, limit: MEMORY_LIMIT, unit: 'MiB' };
}

function smallTargets(runs: readonly SmallRun[]): Target[] {
  if (runs.length === 0) return [];
  const beyond = median(runs.map(({ wallSeconds, checkpointSeconds }) => wallSeconds - checkpointSeconds));
  const objects = Math.max(...runs.map((run) => run.objects));
  return [
    { what: 'fresh cluster: time beyond the checkpoint', value: beyond, limit: 2, unit: 's' },
    // fewer than ten
    { what: 'fresh cluster: objects of the backup', value: objects, limit: 9, unit: 'objects' },
  ];
}
