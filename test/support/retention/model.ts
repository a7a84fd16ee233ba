import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import { lsnOf } from '../wal-receiver.ts';
import { SEGMENT_SIZE } from '../stored-wal.ts';
import type { DrawnCatalogue } from './draw-catalogue.ts';

/**
 * What retention must keep, written from docs/design.md alone, rule by rule and as slow as it likes: it shares no code with
 * what it is compared with.
 */
export function backupsToKeep(drawn: DrawnCatalogue): Set<string> {
  const { facts } = drawn;
  const all = [...facts.backups.map(({ id }) => id), ...facts.unreadable.map(({ id }) => id)];
  const keep = new Set(all.filter((id) => isKeptForItself(id, drawn)));
  for (let before = -1; before !== keep.size;) {
    before = keep.size;
    for (const id of all) {
      const needed = facts.backups.some(
        (other) => keep.has(other.id) && other.id !== id && (other.parent === id || other.chain === id),
      );
      if (needed) keep.add(id);
    }
  }
  return keep;
}

function isKeptForItself(id: string, drawn: DrawnCatalogue): boolean {
  const { facts, now, policy } = drawn;
  const backup = facts.backups.find((each) => each.id === id);
  if (backup === undefined) return true;
  if (facts.holds.some((hold) => hold.backup === id && (hold.until === undefined || hold.until > now)))
    return true;
  const started = Date.parse(backup.startTime);
  if (started > now) return true;
  if (now - started < policy.days * 86_400_000) return true;
  if (facts.unreadable.some((lost) => mayBeBuiltOn(id, lost.id))) return true;
  if (runsIntoUnreadable(backup, drawn)) return true;
  const lineage = facts.backups.filter((each) => each.systemIdentifier === backup.systemIdentifier);
  const good = lineage.filter((each) => isGood(each, drawn));
  if (!good.includes(backup)) {
    const later = good.some((each) => isOlder(backup, each));
    return backup.state === 'corrupt_source' && !later;
  }
  return (
    isFirstOfSomething(backup, good, drawn) ||
    isAmongNewest(backup, good, drawn) ||
    windowPaths(drawn, backup.systemIdentifier).some((path) => isAnchor(backup, good, path, drawn))
  );
}

/** `incremental_backup_truck_…` whose record is lost may build on any older backup of truck. */
function mayBeBuiltOn(id: string, lost: string): boolean {
  const [, cluster, time = ''] = /_backup_(.*)_(\d{8}_\d{6})$/.exec(id) ?? [];
  const [, ofLost, lostTime = ''] = /^incremental_backup_(.*)_(\d{8}_\d{6})$/.exec(lost) ?? [];
  return cluster === ofLost && time < lostTime;
}

function runsIntoUnreadable(backup: CommitRecord, drawn: DrawnCatalogue): boolean {
  const { backups, unreadable } = drawn.facts;
  const isLost = (id: string): boolean => unreadable.some((lost) => lost.id === id);
  if (isWhole(backup, drawn)) return false;
  if (isLost(backup.chain)) return true;
  if (backup.parent === null) return false;
  if (isLost(backup.parent)) return true;
  const parent = backups.find(({ id }) => id === backup.parent);
  return parent !== undefined && !isWhole(parent, drawn) && reaches(parent, isLost, backups);
}

function reaches(
  backup: CommitRecord,
  isLost: (id: string) => boolean,
  backups: readonly CommitRecord[],
): boolean {
  if (backup.parent === null) return false;
  if (isLost(backup.parent)) return true;
  const parent = backups.find(({ id }) => id === backup.parent);
  return parent !== undefined && reaches(parent, isLost, backups);
}

/** Everything up to the full backup of its chain is there. */
function isWhole(backup: CommitRecord, drawn: DrawnCatalogue): boolean {
  if (backup.parent === null) return true;
  const parent = drawn.facts.backups.find(({ id }) => id === backup.parent);
  return parent !== undefined && isWhole(parent, drawn);
}

function isGood(backup: CommitRecord, drawn: DrawnCatalogue): boolean {
  return (
    backup.state === 'complete' &&
    Date.parse(backup.startTime) <= drawn.now &&
    isWhole(backup, drawn) &&
    isSound(backup, drawn)
  );
}

/** No proof of it, or of anything that it builds on, has failed. */
function isSound(backup: CommitRecord, drawn: DrawnCatalogue): boolean {
  if (drawn.facts.quarantined.has(backup.id)) return false;
  const parent = drawn.facts.backups.find(({ id }) => id === backup.parent);
  return parent === undefined || isSound(parent, drawn);
}

function isOlder(a: CommitRecord, b: CommitRecord): boolean {
  return a.startTime < b.startTime;
}

function isFirstOfSomething(
  backup: CommitRecord,
  good: readonly CommitRecord[],
  { policy, now }: DrawnCatalogue,
): boolean {
  if (backup.type !== 'full') return false;
  const started = Date.parse(backup.startTime);
  const date = (time: string): string =>
    new Date(time).toLocaleDateString('sv-SE', { timeZone: policy.timezone });
  const monday = (time: string): string => {
    let day = Date.parse(`${date(time)}T00:00:00Z`);
    while (new Date(day).getUTCDay() !== 1) day -= 86_400_000;
    return new Date(day).toISOString();
  };
  const isFirst = (of: (time: string) => string): boolean =>
    !good.some(
      (each) => each.type === 'full' && isOlder(each, backup) && of(each.startTime) === of(backup.startTime),
    );
  const monthsLater = (months: number): number => {
    const month = new Date(started);
    const day = month.getUTCDate();
    month.setUTCDate(1);
    month.setUTCMonth(month.getUTCMonth() + months);
    const wanted = month.getUTCMonth();
    for (let last = day; ; last--) {
      const later = new Date(month);
      later.setUTCDate(last);
      if (later.getUTCMonth() === wanted) return later.getTime();
    }
  };
  return (
    (isFirst(monday) && now < started + policy.weeks * 604_800_000) ||
    (isFirst((time) => date(time).slice(0, 7)) && now < monthsLater(policy.months)) ||
    (isFirst((time) => date(time).slice(0, 4)) && now < monthsLater(policy.years * 12))
  );
}

function isAmongNewest(
  backup: CommitRecord,
  good: readonly CommitRecord[],
  { facts, policy }: DrawnCatalogue,
): boolean {
  const newer = (among: readonly CommitRecord[]): number =>
    among.filter((each) => isOlder(backup, each)).length;
  const isVerified = ({ id }: CommitRecord): boolean => facts.verified.has(id);
  if (newer(good) === 0) return true;
  const further = good.some(
    (each) =>
      each.timeline > backup.timeline ||
      (each.timeline === backup.timeline && lsnOf(each.stopLsn) > lsnOf(backup.stopLsn)) ||
      (each.timeline === backup.timeline && each.stopLsn === backup.stopLsn && isOlder(backup, each)),
  );
  if (!further) return true;
  if (isVerified(backup) && newer(good.filter(isVerified)) === 0) return true;
  const fulls = good.filter(({ type }) => type === 'full');
  if (!fulls.includes(backup)) return false;
  const verified = fulls.filter(isVerified);
  if (isVerified(backup)) return newer(verified) < policy.floor;
  return newer(fulls.filter((each) => !isVerified(each))) < policy.floor - verified.length;
}

/** The branches somebody who follows a path goes through: from where to where each counts. */
type Path = { timeline: number; from: bigint; to: bigint | undefined }[];

/** An empty list: no log; a path of no branches: nobody can tell which there are. */
function windowPaths({ facts, policy, now }: DrawnCatalogue, system: string): Path[] {
  const log = facts.logs.find(({ systemIdentifier }) => systemIdentifier === system);
  if (log === undefined) return [];
  if (log.problem !== undefined || log.index.damaged.length > 0) return [[]];
  const { index, objects } = log;
  const known = new Set([...objects.map(({ timeline }) => timeline), ...index.histories.keys()]);
  if (index.received !== undefined) known.add(index.received.timeline);
  const young = (timeline: number): boolean =>
    objects.some((each) => each.timeline === timeline && each.modified >= now - policy.transactionLog);
  return [...known]
    .filter((each) => young(each) || each === Math.max(...known) || each === index.received?.timeline)
    .map((timeline) => pathOf(timeline, index.histories.get(timeline) ?? []));
}

function pathOf(timeline: number, history: readonly { timeline: number; end: bigint }[]): Path {
  const branches = [...history, { timeline, end: undefined }];
  return branches.map((branch, i) => ({
    timeline: branch.timeline,
    from: branches[i - 1]?.end ?? 0n,
    to: branch.end,
  }));
}

function liesOn(backup: CommitRecord, path: Path): boolean {
  if (path.length === 0) return true;
  const stop = lsnOf(backup.stopLsn);
  return path.some(
    ({ timeline, from, to }, i) =>
      timeline === backup.timeline &&
      (to === undefined ? stop >= from : stop <= to) &&
      // of an ancestor PostgreSQL asks for its end only
      (i < path.length - 1 ||
        path.slice(0, -1).every((branch) => branch.to !== undefined && branch.to <= stop)),
  );
}

function isAnchor(
  backup: CommitRecord,
  good: readonly CommitRecord[],
  path: Path,
  drawn: DrawnCatalogue,
): boolean {
  const from = drawn.now - drawn.policy.transactionLog;
  const before = good.filter((each) => liesOn(each, path) && Date.parse(each.endTime) <= from);
  if (!before.includes(backup)) return false;
  return before.every(
    (each) =>
      Date.parse(each.endTime) < Date.parse(backup.endTime) ||
      (each.endTime === backup.endTime && !isOlder(backup, each)),
  );
}

/** The segments of each log that must stay, by name: no fewer, and no more. */
export function segmentsToKeep(drawn: DrawnCatalogue): Set<string> {
  const { facts, policy, now } = drawn;
  const kept = backupsToKeep(drawn);
  const from = now - policy.transactionLog;
  const size = BigInt(SEGMENT_SIZE);
  const stay = new Set<string>();
  for (const log of facts.logs) {
    if (log.problem !== undefined) continue;
    const paths = windowPaths(drawn, log.systemIdentifier);
    const unknown = paths.some((path) => path.length === 0) || facts.unreadable.length > 0;
    const all = facts.backups.filter(
      ({ id, systemIdentifier }) => kept.has(id) && systemIdentifier === log.systemIdentifier,
    );
    for (const object of log.objects) {
      const older = log.objects.filter(
        (each) => each.timeline === object.timeline && each.start <= object.start,
      );
      const young = older.some(({ modified }) => modified >= from);
      const used = paths.some((path) => isUsed(object, path, { all, drawn, from, size }));
      const resumed = older.some((each) => isResumedFrom(each, log));
      if (unknown || young || used || resumed) stay.add(object.name);
    }
  }
  return stay;
}

type DrawnLog = Exclude<DrawnCatalogue['facts']['logs'][number], { problem: string }>;
type DrawnObject = DrawnLog['objects'][number];

function isUsed(
  object: DrawnObject,
  path: Path,
  {
    all,
    drawn,
    from,
    size,
  }: { all: readonly CommitRecord[]; drawn: DrawnCatalogue; from: bigint | number; size: bigint },
): boolean {
  const onPath = all.filter((backup) => liesOn(backup, path));
  const good = onPath.filter((backup) => isGood(backup, drawn));
  const usable = good.length > 0 ? good : onPath;
  const anchors = usable.filter((backup) => isAnchor(backup, good, path, drawn));
  const starts = usable.filter(
    (backup) => anchors.length === 0 || anchors.includes(backup) || Date.parse(backup.endTime) > Number(from),
  );
  return starts.some((backup) => {
    const start = lsnOf(backup.startLsn);
    return path.some((branch) => {
      if (branch.timeline !== object.timeline || (branch.to !== undefined && branch.to <= start))
        return false;
      const needed = branch.from > start ? branch.from : start;
      return object.start / size >= needed / size;
    });
  });
}

/** The segment with the last stored byte of the path that the receiver is on, or of that to the newest timeline. */
function isResumedFrom(object: DrawnObject, { index, objects }: DrawnLog): boolean {
  const size = BigInt(SEGMENT_SIZE);
  const known = new Set([...objects.map(({ timeline }) => timeline), ...index.histories.keys()]);
  if (index.received !== undefined) known.add(index.received.timeline);
  return [Math.max(...known), index.received?.timeline].some((timeline) => {
    if (timeline === undefined) return false;
    const path = pathOf(timeline, index.histories.get(timeline) ?? []);
    const ends = objects.flatMap((each) => {
      const branch = path.find((other) => other.timeline === each.timeline);
      if (branch === undefined || (branch.to !== undefined && branch.to <= each.start)) return [];
      return [branch.to === undefined || branch.to > each.start + size ? each.start + size : branch.to];
    });
    if (ends.length === 0) return false;
    const last = ends.reduce((max, end) => (end > max ? end : max)) - 1n;
    const holder = path.find(({ to }) => to === undefined || last < to);
    return holder?.timeline === object.timeline && object.start / size === last / size;
  });
}
