import type { Lsn } from '../../postgres/lsn.ts';
import { parseSegmentName, segmentName, type WalSegment } from '../../postgres/wal-segment.ts';

/**
 * Names of the transaction log's objects:
 *
 *     transaction_logs/<system id>/<timeline, 8 hex>/<segment>                        a whole segment
 *     transaction_logs/<system id>/<timeline, 8 hex>/<segment>.tail_<from>_<to>       bytes [from, to) of an unfinished one
 *     transaction_logs/<system id>/<timeline, 8 hex>.history                          where that timeline came from
 *     transaction_logs/<system id>/<timeline, 8 hex>.hole_<position, 16 hex>          WAL that is known to be lost
 *     transaction_logs/<system id>/<timeline, 8 hex>.pruned_<position, 16 hex>        what retention has removed: all before it
 *     transaction_logs/<system id>/archive.json                                       what the rest is: the archive's record
 *     transaction_logs/<system id>/position.json                                      how far the receiver was, and when
 *     transaction_logs/transaction_log_<YYYYMMDD_HHMMSS>.meta                         one for each seal
 *
 * Offsets of a tail are eight hexadecimal digits, so that names sort as the bytes do.
 */
const ROOT = 'transaction_logs';

/** Every object of every archive begins with this. */
export const ARCHIVE_PREFIX = `${ROOT}/`;

/** The system identifier of the archive an object belongs to; `undefined` for objects of none. */
export function archivedSystem(name: string): string | undefined {
  return /^transaction_logs\/(\d+)\//.exec(name)?.[1];
}

export interface TailRange {
  readonly segment: WalSegment;
  /** Offsets into the segment. */
  readonly from: number;
  readonly to: number;
}

/** Everything of one cluster begins with this. */
export function walPrefix(systemIdentifier: string): string {
  return `${ROOT}/${systemIdentifier}/`;
}

export function walSegmentObject(systemIdentifier: string, segment: WalSegment, segmentSize: number): string {
  return `${walPrefix(systemIdentifier)}${hex8(segment.timeline)}/${segmentName(segment, segmentSize)}`;
}

export function walTailObject(systemIdentifier: string, tail: TailRange, segmentSize: number): string {
  return `${walSegmentObject(systemIdentifier, tail.segment, segmentSize)}.tail_${hex8(tail.from)}_${hex8(tail.to)}`;
}

export function historyObject(systemIdentifier: string, timeline: number): string {
  return `${walPrefix(systemIdentifier)}${hex8(timeline)}.history`;
}

/** A hole is named after the position it begins at. */
export function holeObject(systemIdentifier: string, timeline: number, from: Lsn): string {
  return `${walPrefix(systemIdentifier)}${hex8(timeline)}.hole_${hex16(from)}`;
}

/** Named after the position before which everything was removed. */
export function prunedObject(systemIdentifier: string, timeline: number, before: Lsn): string {
  return `${walPrefix(systemIdentifier)}${hex8(timeline)}.pruned_${hex16(before)}`;
}

export function archiveRecordName(systemIdentifier: string): string {
  return `${walPrefix(systemIdentifier)}archive.json`;
}

export function positionName(systemIdentifier: string): string {
  return `${walPrefix(systemIdentifier)}position.json`;
}

/** @param time milliseconds since 1970 UTC, whole seconds */
export function sealRecordName(time: number): string {
  const [day = '', clock = ''] = new Date(time).toISOString().replace(/[-:]/g, '').split('T');
  return `${ROOT}/transaction_log_${day}_${clock.slice(0, 6)}.meta`;
}

/** Every seal's record begins with this. */
export const SEAL_RECORD_PREFIX = `${ROOT}/transaction_log_`;

export type WalObject =
  | { readonly kind: 'segment'; readonly segment: WalSegment }
  | ({ readonly kind: 'tail' } & TailRange)
  | { readonly kind: 'history'; readonly timeline: number }
  | { readonly kind: 'hole'; readonly timeline: number; readonly from: Lsn }
  | { readonly kind: 'pruned'; readonly timeline: number; readonly before: Lsn };

/** What an object of the transaction log is; `undefined` for a name that is none of ours. */
export function parseWalObject(
  name: string,
  systemIdentifier: string,
  segmentSize: number,
): WalObject | undefined {
  const prefix = walPrefix(systemIdentifier);
  if (!name.startsWith(prefix)) return undefined;
  const path = name.slice(prefix.length);
  return parseHistory(path) ?? parseHole(path) ?? parsePruned(path) ?? parseBytes(path, segmentSize);
}

function parseHistory(path: string): WalObject | undefined {
  const timeline = /^([0-9A-F]{8})\.history$/.exec(path)?.[1];
  return timeline === undefined ? undefined : { kind: 'history', timeline: Number.parseInt(timeline, 16) };
}

function parseHole(path: string): WalObject | undefined {
  const [, timeline, from] = /^([0-9A-F]{8})\.hole_([0-9A-F]{16})$/.exec(path) ?? [];
  if (timeline === undefined || from === undefined) return undefined;
  return { kind: 'hole', timeline: Number.parseInt(timeline, 16), from: BigInt(`0x${from}`) };
}

function parsePruned(path: string): WalObject | undefined {
  const [, timeline, before] = /^([0-9A-F]{8})\.pruned_([0-9A-F]{16})$/.exec(path) ?? [];
  if (timeline === undefined || before === undefined) return undefined;
  return { kind: 'pruned', timeline: Number.parseInt(timeline, 16), before: BigInt(`0x${before}`) };
}

function parseBytes(path: string, segmentSize: number): WalObject | undefined {
  const match = /^([0-9A-F]{8})\/([0-9A-F]{24})(?:\.tail_([0-9A-F]{8})_([0-9A-F]{8}))?$/.exec(path);
  const segment = parseSegmentName(match?.[2] ?? '', segmentSize);
  if (match === null || segment === undefined || hex8(segment.timeline) !== match[1]) return undefined;
  return match[3] === undefined
    ? { kind: 'segment', segment }
    : parseTail(segment, [match[3], match[4] ?? ''], segmentSize);
}

function parseTail(
  segment: WalSegment,
  [from, to]: [string, string],
  segmentSize: number,
): WalObject | undefined {
  const tail = { segment, from: Number.parseInt(from, 16), to: Number.parseInt(to, 16) };
  return tail.from < tail.to && tail.to <= segmentSize ? { kind: 'tail', ...tail } : undefined;
}

function hex8(value: number): string {
  return value.toString(16).toUpperCase().padStart(8, '0');
}

function hex16(value: bigint): string {
  return value.toString(16).toUpperCase().padStart(16, '0');
}
