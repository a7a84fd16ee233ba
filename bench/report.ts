import { idleTables, idleTargets } from './idle/idle-report.ts';
import { incrementalTables } from './incremental/incremental-report.ts';
import { incrementalTargets } from './incremental/incremental-targets.ts';
import type { PeerRuns } from './rounds.ts';
import { mebibytes, megabytes, spread, table } from './table.ts';
import { median, targetsOf, type Findings, type MemoryRun, type SmallRun, type Target } from './targets.ts';
import { verifyTables, verifyTargets } from './verify/verify-report.ts';
import { walTables } from './wal/wal-report.ts';
import { walTargets } from './wal/wal-targets.ts';

/** What the findings were found on. */
export interface Circumstances {
  /** ISO 8601, UTC. */
  readonly date: string;
  readonly commit: string;
  readonly machine: string;
  readonly versions: readonly string[];
  readonly skipped: readonly string[];
  readonly rounds: number;
  /** Of the compared cluster, bytes; `undefined` when nothing was compared. */
  readonly clusterBytes: number | undefined;
}

/** One dated section of bench/results.md. */
export function renderReport(circumstances: Circumstances, findings: Findings): string {
  const { peers, memory, small, wal, incremental, idle, verify } = findings;
  return [
    `## ${circumstances.date}, commit ${circumstances.commit}`,
    describe(circumstances),
    ...(peers.length === 0 ? [] : [peerTable('Backup', peers, (runs) => runs.backups)]),
    ...(peers.some(({ restores }) => restores.length > 0)
      ? [peerTable('Restore', peers, (runs) => runs.restores)]
      : []),
    ...(memory.length === 0 ? [] : [memoryTable(memory)]),
    ...(small.length === 0 ? [] : [smallTable(small)]),
    ...of(wal, walTables),
    ...of(incremental, incrementalTables),
    ...of(idle, idleTables),
    ...of(verify, verifyTables),
    targetTable([
      ...targetsOf(findings),
      ...of(wal, walTargets),
      ...of(incremental, incrementalTargets),
      ...of(idle, idleTargets),
      ...of(verify, verifyTargets),
    ]),
    '',
  ].join('\n\n');
}

/** Of what was measured. */
function of<Found, Part>(
  found: Found | undefined,
  parts: (found: Found) => readonly Part[],
): readonly Part[] {
  return found === undefined ? [] : parts(found);
}

function describe({ machine, versions, skipped, rounds, clusterBytes }: Circumstances): string {
  const cluster =
    clusterBytes === undefined ? '' : ` Compared on a cluster of ${megabytes(clusterBytes)} MB.`;
  const absent = skipped.length === 0 ? '' : ` Not there, so skipped: ${skipped.join(', ')}.`;
  return `${machine}; ${versions.join(', ')}. Medians of ${rounds} rounds, lowest and highest in parentheses.${cluster}${absent}`;
}

function peerTable(
  title: string,
  peers: readonly PeerRuns[],
  runsOf: (peer: PeerRuns) => PeerRuns['backups'],
): string {
  const ours = peers.find(({ name }) => name === 'Larder');
  const isBackup = title === 'Backup';
  const rows = peers.map((peer) => {
    const runs = runsOf(peer);
    if (runs.length === 0) return [peer.name, 'cannot restore', '', '', ...(isBackup ? [''] : [])];
    const wall = runs.map((run) => run.wallSeconds);
    const against = ratio(ours === undefined ? [] : runsOf(ours).map((run) => run.wallSeconds), wall);
    return [
      peer.name,
      `${spread(wall, 2)}${peer === ours ? '' : `; ours ${against} ×`}`,
      cpuCell(runs),
      spread(
        runs.map((run) => run.peakBytes / (1024 * 1024)),
        0,
      ),
      ...(isBackup ? [megabytes(median(peer.storedBytes) ?? 0)] : []),
    ];
  });
  const head = [title, 'wall s', 'CPU s', 'peak MiB', ...(isBackup ? ['stored MB'] : [])];
  return table(head, rows);
}

function cpuCell(runs: PeerRuns['backups']): string {
  const server = median(runs.map((run) => run.serverCpuSeconds)) ?? 0;
  const part = server === 0 ? '' : `, of it the server's sessions ${server.toFixed(2)}`;
  return `${spread(
    runs.map((run) => run.cpuSeconds),
    2,
  )}${part}`;
}

function memoryTable(runs: readonly MemoryRun[]): string {
  const rows = runs.map((run) => [run.what, mebibytes(run.backupPeakBytes), mebibytes(run.restorePeakBytes)]);
  return table(['Larder on', 'backup peak MiB', 'restore peak MiB'], rows);
}

function smallTable(runs: readonly SmallRun[]): string {
  const rows = runs.map((run) => [
    megabytes(run.clusterBytes),
    run.wallSeconds.toFixed(2),
    run.checkpointSeconds.toFixed(2),
    String(run.objects),
  ]);
  return table(['Fresh cluster, MB', 'wall s', 'of it checkpoint s', 'objects'], rows);
}

function targetTable(targets: readonly Target[]): string {
  return table(
    ['Target', 'measured', 'limit', 'verdict'],
    targets.map((target) => {
      const { what, value, limit, bound, unit } = target;
      return [
        what,
        value === undefined ? '–' : number(value, unit),
        `${bound === 'at least' ? '≥ ' : ''}${number(limit, unit)}`,
        verdict(target),
      ];
    }),
  );
}

/** Says by how much a target is missed, in its own unit. */
export function verdict({ value, missing: reason, limit, bound, unit }: Target): string {
  if (value === undefined) return `not measured: ${reason ?? 'pgBackRest is not there'}`;
  const missing = bound === 'at least' ? limit - value : value - limit;
  return missing <= 0 ? 'reached' : `missed by ${number(missing, unit)}`;
}

function number(value: number, unit: Target['unit']): string {
  return `${value.toFixed(unit === 'MiB' || unit === 'objects' ? 0 : 2)} ${unit}`;
}

function ratio(ours: readonly number[], theirs: readonly number[]): string {
  const [mine, other] = [median(ours), median(theirs)];
  return mine === undefined || other === undefined ? '–' : (mine / other).toFixed(2);
}
