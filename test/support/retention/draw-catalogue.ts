import type { TimelineHistory } from '../../../src/postgres/timeline-history.ts';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import { LarderError } from '../../../src/errors.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import type { ExpiryMark } from '../../../src/repository/expiry-mark.ts';
import { formatBackupId } from '../../../src/repository/layout.ts';
import type { WalIndex } from '../../../src/repository/wal/wal-index.ts';
import { walSegmentObject } from '../../../src/repository/wal/wal-layout.ts';
import type { LogObject } from '../../../src/retention/plan-log.ts';
import type { RetentionPolicy } from '../../../src/retention/policy.ts';
import type { RetentionFacts } from '../../../src/retention/retention-plan.ts';
import { commitRecord } from '../commit-records.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { at, indexOf, SEGMENT_SIZE } from '../stored-wal.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const SYSTEMS = ['7711013837087516379', '7711013837087516380'];

/** A repository as it may be found, sound or not. */
export interface DrawnCatalogue {
  facts: RetentionFacts;
  policy: RetentionPolicy;
  now: number;
  marks: ExpiryMark[];
}

/** Draws a repository with everything that can be odd about one: wrong clocks, broken chains, branches, lost records. */
export function drawCatalogue(random: SeededRandom): DrawnCatalogue {
  const now = Date.parse('2026-03-01T00:00:00Z') + random.below(400 * 24 * 60) * 60_000;
  const policy = drawPolicy(random);
  const records = drawBackups(random, now);
  const lost = new Set(records.filter(() => random.chance(random.pick([0, 0, 10]))).map(({ id }) => id));
  const backups = records
    .filter(({ id }) => !lost.has(id))
    .sort((a, b) => (a.startTime < b.startTime ? -1 : 1));
  const ids = records.map(({ id }) => id);
  const proven = random.pick([0, 10, 40]);
  const failed = random.pick([0, 0, 10, 60]);
  const facts: RetentionFacts = {
    backups,
    unreadable: [...lost].map((id) => ({ id, problem: 'damaged' })),
    verified: new Set(ids.filter(() => random.chance(proven))),
    quarantined: new Set(ids.filter(() => random.chance(failed))),
    holds: ids
      .filter(() => random.chance(10))
      .map((backup) => ({
        backup,
        until: random.pick([undefined, now, now - DAY, now + 1, now + DAY]),
        reason: 'x',
      })),
    logs: SYSTEMS.filter(() => random.chance(70)).map((system) => drawLog(random, system, now)),
  };
  return { facts, policy, now, marks: drawMarks(random, ids, { now, grace: policy.grace }) };
}

function drawPolicy(random: SeededRandom): RetentionPolicy {
  return {
    days: random.pick([1, 7, 30]),
    weeks: random.pick([0, 4, 12]),
    months: random.pick([0, 3, 12]),
    years: random.pick([0, 1, 7]),
    transactionLog: random.pick([HOUR, 2 * DAY, 7 * DAY]),
    floor: random.between(1, 4),
    grace: random.pick([0, HOUR, DAY]),
    timezone: random.pick(['UTC', 'UTC', 'Pacific/Auckland']),
  };
}

function drawBackups(random: SeededRandom, now: number): CommitRecord[] {
  const drawn: CommitRecord[] = [];
  const taken = new Set<number>();
  const count = random.below(15);
  const spread = random.pick([12 * DAY, 90 * DAY, 400 * DAY, 3000 * DAY]);
  for (let i = 0; i < count; i++) {
    const age = random.chance(4) ? -random.below(50 * DAY) : random.below(spread);
    const started = Math.floor((now - age) / 1000) * 1000;
    if (taken.has(started)) continue;
    taken.add(started);
    drawn.push(drawBackup(random, started, drawn));
  }
  return drawn;
}

function drawBackup(random: SeededRandom, started: number, earlier: readonly CommitRecord[]): CommitRecord {
  const parent = earlier.length > 0 && random.chance(55) ? random.pick(earlier) : undefined;
  const cluster = parent?.cluster ?? random.pick(['truck', 'truck', 'cart']);
  const id = formatBackupId({ type: parent === undefined ? 'full' : 'incremental', cluster, started });
  const start = at(random.between(2, 30), random.chance(30) ? 0 : random.below(SEGMENT_SIZE));
  const stop = start + BigInt(random.below(SEGMENT_SIZE));
  return commitRecord(new Date(started).toISOString(), {
    id,
    cluster,
    ...drawChain(random, { id, cluster, started }, parent),
    state: random.chance(10) ? 'corrupt_source' : 'complete',
    systemIdentifier: parent?.systemIdentifier ?? random.pick(SYSTEMS),
    timeline: random.between(1, 3),
    startLsn: formatLsn(start),
    stopLsn: formatLsn(stop),
    walRanges: [{ timeline: 1, start: formatLsn(start), end: formatLsn(stop) }],
    endTime: new Date(started + random.below(3 * HOUR)).toISOString(),
  });
}

/** What it builds on; now and then on one that there is not. */
function drawChain(
  random: SeededRandom,
  { id, cluster, started }: { id: string; cluster: string; started: number },
  parent: CommitRecord | undefined,
): Pick<CommitRecord, 'type' | 'parent' | 'chain'> {
  if (parent === undefined) return { type: 'full', parent: null, chain: id };
  const missing = formatBackupId({ type: 'incremental', cluster, started: started - 1000 });
  return { type: 'incremental', parent: random.chance(4) ? missing : parent.id, chain: parent.chain };
}

interface LogSite {
  systemIdentifier: string;
  timeline: number;
  now: number;
  histories: ReadonlyMap<number, TimelineHistory>;
}

type DrawnLog = RetentionFacts['logs'][number];

function drawLog(random: SeededRandom, systemIdentifier: string, now: number): DrawnLog {
  if (random.chance(4)) return { systemIdentifier, problem: 'archive.json is damaged' };
  const histories = new Map<number, TimelineHistory>();
  const offset = random.chance(30) ? 0 : random.below(SEGMENT_SIZE);
  const second = { timeline: 1, end: at(random.between(3, 28), offset) };
  if (random.chance(60)) histories.set(2, [second]);
  if (random.chance(40)) {
    const onSecond = histories.has(2) && random.chance(60);
    const end = second.end + BigInt(random.between(1, 6 * SEGMENT_SIZE));
    const own = { timeline: 1, end: at(random.between(3, 28), random.below(SEGMENT_SIZE)) };
    histories.set(3, onSecond ? [second, { timeline: 2, end }] : [own]);
  }
  const objects = [1, ...histories.keys()].flatMap((timeline) =>
    drawObjects(random, { systemIdentifier, timeline, now, histories }),
  );
  const segments = objects.map(({ timeline, start }) => [timeline, Number(start) / SEGMENT_SIZE] as const);
  const timeline = random.pick([1, ...histories.keys()]);
  const index: WalIndex = {
    ...indexOf(segments, { histories, systemIdentifier }),
    received: random.chance(80)
      ? { timeline, stored: at(random.between(2, 32)), complete: undefined, updated: now }
      : undefined,
    damaged: random.chance(3) ? [new LarderError('OBJECT_DAMAGED', 'a hole cannot be read')] : [],
  };
  // a store lists in no promised order
  return { systemIdentifier, index, objects: objects.sort(() => random.fraction() - 0.5) };
}

/** Segments of one timeline, the later the younger, some of them lost; a child's begin where it branched off. */
function drawObjects(
  random: SeededRandom,
  { systemIdentifier, timeline, now, histories }: LogSite,
): LogObject[] {
  const objects: LogObject[] = [];
  let modified = now - random.below(20 * DAY);
  const branch = Number((histories.get(timeline)?.at(-1)?.end ?? 0n) / BigInt(SEGMENT_SIZE));
  const first = branch > 0 && random.chance(60) ? branch : random.between(Math.max(1, branch), 31);
  for (let number = first; number < 32; number++) {
    modified = Math.min(now, modified + random.below(random.pick([HOUR, 2 * DAY])));
    if (random.chance(3)) break;
    if (random.chance(5)) continue;
    const name = walSegmentObject(systemIdentifier, { timeline, number: BigInt(number) }, SEGMENT_SIZE);
    objects.push({ name, timeline, start: at(number), size: 1000, modified });
  }
  return objects;
}

function drawMarks(
  random: SeededRandom,
  ids: readonly string[],
  { now, grace }: { now: number; grace: number },
): ExpiryMark[] {
  const marked = (): number | undefined =>
    random.pick([undefined, now + HOUR, now, now - grace, now - grace + 1, now - 2 * DAY, now - 2 * DAY]);
  const share = random.pick([0, 50, 100]);
  const ofBackups = [...ids, 'full_backup_gone_20200101_000000'].filter(() => random.chance(share));
  const ofLogs = SYSTEMS.flatMap((systemIdentifier) =>
    [1, 2, 3].map((timeline) => ({ systemIdentifier, timeline, before: at(random.between(1, 33)) })),
  ).filter(() => random.chance(share));
  return [...ofBackups, ...ofLogs].map((of, index) => ({ name: `mark ${index}`, of, marked: marked() }));
}
