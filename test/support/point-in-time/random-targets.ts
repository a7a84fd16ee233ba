import { formatLsn, type Lsn } from '../../../src/postgres/lsn.ts';
import type { TargetOptions } from '../../../src/restore/recovery/parse-target.ts';
import type { SeededRandom } from '../seeded-random.ts';
import type { RandomTarget } from './expected-rows.ts';
import type { ServerAccount } from './server-account.ts';

/** From where on targets may lie: the end of the oldest backup. */
export interface Earliest {
  readonly lsn: Lsn;
  /** Microseconds since 1970 UTC. */
  readonly time: bigint;
}

const KINDS = ['time', 'lsn', 'xid', 'name'] as const;

/**
 * A point that the log leads to, near the ends of transactions more often than elsewhere.
 * @param turn all kinds have their turn, first one way of counting the target itself and then the other
 */
export function drawTarget(
  random: SeededRandom,
  { account, earliest }: { readonly account: ServerAccount; readonly earliest: Earliest },
  turn: number,
): RandomTarget {
  const inclusive = Math.floor(turn / KINDS.length) % 2 === 0;
  const ends = account.ends.filter(({ start, time }) => start >= earliest.lsn && time > earliest.time);
  switch (KINDS[turn % KINDS.length]!) {
    case 'time': {
      const times = ends.map(({ time }) => time);
      return { kind: 'time', time: drawTime(random, times), inclusive };
    }
    case 'lsn':
      return { kind: 'lsn', lsn: drawLsn(random, account, earliest.lsn), inclusive };
    case 'xid':
      return { kind: 'xid', xid: random.pick(ends).xid, inclusive };
    case 'name':
      return { kind: 'name', name: random.pick(account.points).name };
  }
}

/** Before the last end: whether anything ended behind it, only the receiver's word could tell. */
function drawTime(random: SeededRandom, times: readonly bigint[]): bigint {
  const sorted = times.toSorted((a, b) => (a < b ? -1 : 1));
  const [first, last] = [sorted[0]!, sorted.at(-1)!];
  const near = random.pick(sorted.filter((time) => time < last));
  const between = first + BigInt(Math.floor(random.fraction() * Number(last - first)));
  const drawn = random.pick([near, near + 1n, near - 1n, between, between]);
  return drawn < first ? first : drawn;
}

function drawLsn(random: SeededRandom, { starts, ends }: ServerAccount, from: Lsn): Lsn {
  const last = starts.at(-1)!;
  const candidates = ends.filter(({ start, end }) => start >= from && end <= last);
  const { start, end } = random.pick(candidates);
  const between = from + BigInt(Math.floor(random.fraction() * Number(last - from)));
  return random.pick([start, start + 1n, end, between]);
}

/** What a user types. */
export function optionsOf(target: RandomTarget): TargetOptions {
  const exclusive = 'inclusive' in target && !target.inclusive ? { exclusive: true as const } : {};
  switch (target.kind) {
    case 'time':
      return { targetTime: timeText(target.time), ...exclusive };
    case 'lsn':
      return { targetLsn: formatLsn(target.lsn), ...exclusive };
    case 'xid':
      return { targetXid: target.xid, ...exclusive };
    case 'name':
      return { targetName: target.name };
  }
}

/** `2026-11-22T10:00:00.123456Z`. */
function timeText(microseconds: bigint): string {
  const iso = new Date(Number(microseconds / 1000n)).toISOString();
  return `${iso.slice(0, 23)}${String(microseconds % 1000n).padStart(3, '0')}Z`;
}
