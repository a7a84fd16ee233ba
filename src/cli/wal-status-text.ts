import { formatLsn, parseLsn } from '../postgres/lsn.ts';
import type { PublishedStatus } from '../transaction-log/receiver-status.ts';
import type { ArchiveHole } from '../verify/archive-holes.ts';
import type { ArchiveFacts, ArchiveState } from '../verify/archive-state.ts';
import type { RecoveryWindow } from '../verify/recovery-windows.ts';
import { formatBytes, formatDuration, formatTime, plural, printable } from '../format.ts';
import { holeJson, pointJson, pointText, reachText, rollForwardJson } from './roll-forward-text.ts';
import { formatPairs, formatTable } from './table.ts';

type Pair = readonly [name: string, value: string];

/** What a receiver on this host says, and when it was asked (ms since 1970 UTC). */
export interface ReceiverSight {
  /** `undefined` where none runs, or none can be known of. */
  readonly status: PublishedStatus | undefined;
  readonly now: number;
}

/** A receiver writes its status every second: what is older than this says nothing of now. */
const STALE_MS = 15_000;

/** The state of the archive for a reader. */
export function walStatusText(state: ArchiveState, receiver: ReceiverSight): string {
  const none: Pair = ['archive', 'no WAL was ever received: larder wal receive'];
  const facts: Pair[] = [
    ...(state.archives.length === 0 && state.problems.length === 0 ? [none] : []),
    ...state.archives.flatMap(archivePairs),
    ['read', readText(state)],
    ['receiver', receiverText(receiver)],
    ...slotPairs(receiver),
    ['lag', lagText(receiver)],
    ['unprotected', unprotectedText(receiver)],
    ['problems', state.problems.length === 0 ? 'none' : String(state.problems.length)],
  ];
  const problems = state.problems.map(({ code, message }) => `  ${printable(message)} [${code}]\n`).join('');
  const rows = state.backups.map((backup) => [backup.backup, reachText(backup)]);
  const backups =
    rows.length === 0 ? '' : `\n${formatTable([{ title: 'BACKUP' }, { title: 'REACHES' }], rows)}`;
  return `${formatPairs(facts)}${problems}${backups}`;
}

/** The same for programs. */
export function walStatusJson(state: ArchiveState, receiver: ReceiverSight): object {
  return {
    archives: state.archives.map(archiveJson),
    backups: state.backups.map(rollForwardJson),
    problems: state.problems.map(({ code, message }) => ({ code, message })),
    read: state.read,
    receiver: receiver.status ?? null,
    lagBytes: lagBytes(receiver) ?? null,
    unprotectedSeconds: unprotectedSeconds(receiver) ?? null,
  };
}

function archivePairs(archive: ArchiveFacts): Pair[] {
  const { received } = archive;
  const holds = `${plural(archive.segments, 'segment')} of ${formatBytes(archive.segmentSize)}, ${plural(archive.tails, 'tail')}, ${formatBytes(archive.storedBytes)} stored`;
  return [
    ['system', `${archive.systemIdentifier}, PostgreSQL ${archive.major}`],
    ['holds', holds],
    ['timelines', archive.timelines.join(', ')],
    ['position', received === undefined ? 'not known' : positionText(received)],
    ['complete until', received?.complete === undefined ? 'not known' : formatTime(iso(received.complete))],
    ...windowPairs(archive.windows),
    ...archive.holes.map((hole): Pair => ['hole', holeText(hole)]),
  ];
}

function positionText({ stored, timeline, updated }: NonNullable<ArchiveFacts['received']>): string {
  return `${formatLsn(stored)} on timeline ${timeline}, as of ${formatTime(iso(updated))}`;
}

function windowPairs(windows: readonly RecoveryWindow[]): Pair[] {
  if (windows.length === 0) return [['window', 'none: no backup can be rolled forward']];
  return windows.map(({ from, until, backup }) => [
    'window',
    `${pointText(from)} - ${pointText(until)}, from ${backup}`,
  ]);
}

function holeText({ start, end, segment, lastSegment, recorded, needed }: ArchiveHole): string {
  const names = segment === lastSegment ? `segment ${segment}` : `segments ${segment} to ${lastSegment}`;
  const why = recorded === undefined ? '' : `, recorded ${formatTime(recorded.recorded)}: ${recorded.reason}`;
  const passed = needed ? '' : ', which every backup lies behind';
  return `${formatLsn(start)} - ${formatLsn(end)}, ${names}${why}${passed}`;
}

function readText({ read }: ArchiveState): string {
  return read
    ? 'every stored byte has its checksum, but for the problems below'
    : 'names only (--quick): bytes were not read';
}

function archiveJson(archive: ArchiveFacts): object {
  const { received, windows, holes, ...rest } = archive;
  return {
    ...rest,
    position: received === undefined ? null : formatLsn(received.stored),
    positionTime: received === undefined ? null : iso(received.updated),
    complete: received?.complete === undefined ? null : iso(received.complete),
    windows: windows.map(({ from, until, ...window }) => ({
      ...window,
      from: pointJson(from),
      until: pointJson(until),
    })),
    holes: holes.map((hole) => ({ ...holeJson(hole), needed: hole.needed })),
  };
}

function receiverText(receiver: ReceiverSight): string {
  const { status } = receiver;
  if (status === undefined) return 'none is known to run: what the server writes now may be unprotected';
  const problem = status.problem === null ? '' : ` (${status.problem})`;
  const stale = isCurrent(receiver) ? '' : `, but has told nothing since ${formatTime(status.updated)}`;
  return `${status.state}${problem}${stale}`;
}

/** What the server keeps for the receiver, and how much more it will; nothing where it could not be asked. */
function slotPairs(receiver: ReceiverSight): Pair[] {
  const slot = isCurrent(receiver) ? receiver.status?.slot : undefined;
  if (slot === undefined || slot === null) return [];
  const { name, walStatus, retainedBytes, safeBytes } = slot;
  const kept = retainedBytes === null ? '' : `; the server keeps ${formatBytes(retainedBytes)} for it`;
  const safe = safeBytes === null ? '' : `; lost after ${formatBytes(safeBytes)} more`;
  return [['slot', `${name}, ${walStatus ?? 'state not known'}${kept}${safe}`]];
}

function lagText(receiver: ReceiverSight): string {
  const bytes = lagBytes(receiver);
  return bytes === undefined ? 'not known' : formatBytes(bytes);
}

function unprotectedText(receiver: ReceiverSight): string {
  const seconds = unprotectedSeconds(receiver);
  if (seconds === undefined) return 'not known';
  const since = receiver.status?.unprotectedSince ?? undefined;
  if (since === undefined) return '0 s: everything the server has written is safe';
  return `${formatDuration(seconds)}: changes since ${formatTime(since)}`;
}

/** Bytes the server has written that are not safe yet, as the receiver heard last; `undefined`: not known. */
function lagBytes(receiver: ReceiverSight): number | undefined {
  const { status } = receiver;
  if (status?.state !== 'streaming' || !isCurrent(receiver)) return undefined;
  const [end, durable] = [parseLsn(status.serverEnd ?? ''), parseLsn(status.durable ?? '')];
  if (end === undefined || durable === undefined) return undefined;
  return end > durable ? Number(end - durable) : 0;
}

/** For how long changes have been unprotected: 0 when none are, also on a server that is idle; `undefined`: not known. */
function unprotectedSeconds(receiver: ReceiverSight): number | undefined {
  const { status, now } = receiver;
  if (status === undefined || status.state === 'starting' || !isCurrent(receiver)) return undefined;
  if (status.unprotectedSince === null) return 0;
  return Math.max(0, (now - Date.parse(status.unprotectedSince)) / 1000);
}

function isCurrent({ status, now }: ReceiverSight): boolean {
  return status !== undefined && now - Date.parse(status.updated) < STALE_MS;
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
