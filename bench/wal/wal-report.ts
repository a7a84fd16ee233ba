import { mebibytes, megabytes, spread, table } from '../table.ts';
import { median } from '../targets.ts';
import type { LagRun, LoadRuns } from './lag.ts';
import type { WalFindings } from './measure-wal.ts';
import type { ReplayRuns } from './replay.ts';
import type { SyncRuns } from './sync.ts';

/** A table for each part that ran. */
export function walTables({ lag, load, sync, catchUp, replay }: WalFindings): string[] {
  return [
    ...(lag === undefined ? [] : [lagTable(lag)]),
    ...(load === undefined ? [] : [loadTable(load)]),
    ...(sync === undefined ? [] : [syncTable(sync)]),
    ...(catchUp === undefined ? [] : [catchUpTable(catchUp)]),
    ...(replay === undefined ? [] : [replayTable(replay)]),
  ];
}

function lagTable({ p50, p99, highest, samples, walBytes, rate, peakBytes }: LagRun): string {
  const ages = [p50, p99, highest].map((age) => age.toFixed(0));
  return table(
    ['Oldest change not durable', 'p50 ms', 'p99 ms', 'highest ms', 'samples', 'WAL MB', 'TPS', 'peak MiB'],
    [['Larder', ...ages, String(samples), megabytes(walBytes), rate.toFixed(0), mebibytes(peakBytes)]],
  );
}

function loadTable(load: readonly LoadRuns[]): string {
  const none = median(load.find(({ receiver }) => receiver === undefined)?.rates ?? []);
  const rows = load.map(({ receiver, rates, cpuSeconds, peakBytes }) => [
    receiver ?? 'none',
    spread(rates, 0),
    none === undefined ? '–' : `${((median(rates) ?? 0) / none).toFixed(2)} ×`,
    receiver === undefined ? '–' : spread(cpuSeconds, 1),
    receiver === undefined ? '–' : mebibytes(peakBytes),
  ]);
  return table(['Receiver during pgbench', 'TPS', 'of that without', 'CPU s', 'peak MiB'], rows);
}

function syncTable(sync: readonly SyncRuns[]): string {
  const clients = [...(sync[0]?.rates.keys() ?? [])];
  const rows = sync.map(({ receiver, rates, peakBytes }) => [
    receiver,
    ...clients.map((count) => spread(rates.get(count) ?? [], 0)),
    mebibytes(peakBytes),
  ]);
  const heads = clients.map((count) => `commits/s, ${count} ${count === 1 ? 'client' : 'clients'}`);
  return table(['Synchronous standby', ...heads, 'peak MiB'], rows);
}

function catchUpTable({ walBytes, receivers }: NonNullable<WalFindings['catchUp']>): string {
  const rows = receivers.map(({ receiver, runs }) => [
    receiver,
    spread(
      runs.map(({ seconds }) => walBytes / 1e6 / seconds),
      0,
    ),
    spread(
      runs.map(({ seconds }) => seconds),
      1,
    ),
    spread(
      runs.map(({ confirmedSeconds }) => confirmedSeconds),
      1,
    ),
    spread(
      runs.map(({ cpuSeconds }) => cpuSeconds),
      1,
    ),
    mebibytes(Math.max(...runs.map(({ peakBytes }) => peakBytes))),
    megabytes(median(runs.map(({ storedBytes }) => storedBytes)) ?? 0),
  ]);
  const head = `Catching up on ${megabytes(walBytes)} MB`;
  return table([head, 'MB/s', 'stored after s', 'confirmed after s', 'CPU s', 'peak MiB', 'stored MB'], rows);
}

function replayTable(replay: readonly ReplayRuns[]): string {
  const walBytes = replay[0]?.replays[0]?.walBytes ?? 0;
  const rows = replay.map(({ command, replays }) => {
    const peaks = replays.flatMap(({ peakBytes }) => peakBytes ?? []);
    return [
      command === 'cp' ? 'cp, plain files' : 'Larder',
      spread(
        replays.map(({ totalSeconds }) => totalSeconds),
        2,
      ),
      spread(
        replays.map(({ redoSeconds }) => redoSeconds),
        2,
      ),
      peaks.length === 0 ? '–' : mebibytes(Math.max(...peaks)),
    ];
  });
  return table(
    [`Replay of ${megabytes(walBytes)} MB through`, 'start to end s', 'of it redo s', 'peak MiB'],
    rows,
  );
}
