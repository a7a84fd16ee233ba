import { median, type Target } from '../targets.ts';
import type { CatchUpRuns } from './catch-up.ts';
import type { LoadRuns } from './lag.ts';
import type { WalFindings } from './measure-wal.ts';
import type { ReplayRuns } from './replay.ts';
import type { SyncRuns } from './sync.ts';

const MEBIBYTE = 1024 * 1024;
const MEMORY_LIMIT = 200;

/** The targets of issue 3 that the findings speak of. */
export function walTargets({ lag, load, sync, catchUp, replay }: WalFindings): Target[] {
  return [
    ...(lag === undefined
      ? []
      : [
          {
            what: 'wal: age of the oldest change not durable, p99',
            value: lag.p99 / 1000,
            limit: 1,
            unit: 's' as const,
          },
        ]),
    ...(load === undefined ? [] : [loadTarget(load)]),
    ...(sync === undefined ? [] : syncTargets(sync)),
    ...(catchUp === undefined ? [] : catchUpTargets(catchUp.receivers)),
    ...(replay === undefined ? [] : [replayTarget(replay)]),
  ];
}

function loadTarget(load: readonly LoadRuns[]): Target {
  const rates = (name: string | undefined): readonly number[] =>
    load.find(({ receiver }) => receiver === name)?.rates ?? [];
  return {
    what: 'wal: TPS with the receiver, against none',
    value: ratio(rates('Larder'), rates(undefined)),
    limit: 0.95,
    bound: 'at least',
    unit: '×',
  };
}

function syncTargets(sync: readonly SyncRuns[]): Target[] {
  const ours = sync.find(({ receiver }) => receiver === 'Larder');
  const theirs = sync.find(({ receiver }) => receiver !== 'Larder');
  return [...(ours?.rates.keys() ?? [])].map((clients) => ({
    what: `wal: synchronous commits, ${clients} ${clients === 1 ? 'client' : 'clients'}, against pg_receivewal`,
    value: ratio(ours?.rates.get(clients) ?? [], theirs?.rates.get(clients) ?? []),
    limit: 0.9,
    bound: 'at least',
    unit: '×',
  }));
}

function catchUpTargets(receivers: readonly CatchUpRuns[]): Target[] {
  const seconds = (isOurs: boolean): number[] =>
    receivers
      .filter(({ receiver }) => (receiver === 'Larder') === isOurs)
      .flatMap(({ runs }) => runs.map((run) => run.seconds));
  const peaks = receivers
    .filter(({ receiver }) => receiver === 'Larder')
    .flatMap(({ runs }) => runs.map(({ peakBytes }) => peakBytes));
  return [
    {
      what: 'wal: rate of catching up, against pg_receivewal',
      // the same WAL: the quicker one has the higher rate
      value: ratio(seconds(false), seconds(true)),
      limit: 0.7,
      bound: 'at least',
      unit: '×',
    },
    {
      what: 'peak resident memory: catching up',
      value: Math.max(...peaks) / MEBIBYTE,
      limit: MEMORY_LIMIT,
      unit: 'MiB',
    },
  ];
}

function replayTarget(replay: readonly ReplayRuns[]): Target {
  const seconds = (name: string): number[] =>
    replay
      .filter(({ command }) => command === name)
      .flatMap(({ replays }) => replays.map((run) => run.totalSeconds));
  return {
    what: 'wal: time of a replay, against cp',
    value: ratio(seconds('larder'), seconds('cp')),
    limit: 1.1,
    unit: '×',
  };
}

/** Of the medians. */
function ratio(ours: readonly number[], theirs: readonly number[]): number | undefined {
  const [mine, other] = [median(ours), median(theirs)];
  return mine === undefined || other === undefined ? undefined : mine / other;
}
