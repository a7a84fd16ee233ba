import type { Clock } from '../clock.ts';
import { LarderError } from '../errors.ts';
import { formatLsn, parseLsn, type Lsn } from '../postgres/lsn.ts';
import { Session } from '../postgres/sql/session.ts';
import { switchWal } from '../postgres/sql/switch-wal.ts';
import { readArchiveRecord, type ArchiveRecord } from '../repository/wal/archive-record.ts';
import { contiguousRanges, holesBetween, type LsnRange } from '../repository/wal/continuity.ts';
import { lostPart } from '../repository/wal/lost-part.ts';
import { newestSeal, writeSealRecord, type SealRecord } from '../repository/wal/seal-record.ts';
import { pathTo, type TimelinePath } from '../repository/wal/timeline-path.ts';
import { readWalIndex } from '../repository/wal/wal-index.ts';
import { FORMAT_VERSION } from '../repository/object-header.ts';
import type { ReceiverContext, ReceiverRequest } from './receiver-request.ts';
import { receiveWal } from './receiver.ts';
import { Spool } from './spool.ts';

/** How often it looks whether the segment has arrived. */
const LOOK_INTERVAL = 250;

export interface SealOptions {
  /** Milliseconds until what the server has must be stored. */
  readonly limit: number;
  readonly larderVersion: string;
}

export interface Sealed {
  readonly name: string;
  readonly record: SealRecord;
}

/** Where the server is, when the seal begins. */
interface Present {
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly end: Lsn;
}

/**
 * Seals the log: has the server finish its present segment, waits until that is in the repository, checks that nothing is
 * missing since the last seal, and writes the record of it. Where no receiver runs on this host, one runs for as long as
 * it takes.
 *
 * @throws LarderError TIMED_OUT when the segment is not stored in time, WAL_GAP (after the record was written) when
 *   something is missing, SERVER_NOT_PRIVILEGED, as `receiveWal`
 */
export async function sealLog(
  request: ReceiverRequest,
  context: ReceiverContext,
  options: SealOptions,
): Promise<Sealed> {
  const { clock } = context;
  const startTime = new Date(clock.now()).toISOString();
  const present = await switchSegment(request);
  const archive = await waitUntilStored(request, context, { present, limit: options.limit });
  const record = await describe(request, { archive, present, startTime, clock, options });
  const name = await writeSealRecord(request.store, record);
  if (record.gaps.length > 0) throw gapError(name, record);
  return { name, record };
}

async function switchSegment({ connection }: ReceiverRequest): Promise<Present> {
  await using session = await Session.open(connection);
  const end = await switchWal(session, connection.user);
  const text = `SELECT (SELECT system_identifier FROM pg_control_system())::text AS system,
    ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint AS timeline`;
  return await session.row({ text, what: 'reading the timeline' }, (row) => ({
    systemIdentifier: row.text('system'),
    timeline: row.integer('timeline'),
    end,
  }));
}

async function waitUntilStored(
  request: ReceiverRequest,
  context: ReceiverContext,
  wanted: { readonly present: Present; readonly limit: number },
): Promise<ArchiveRecord> {
  const running = await Spool.holder(request.spoolDirectory, context.processIdentity, context.clock);
  if (running !== undefined) return lookUntilStored(request, context, wanted);
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, context.signal]);
  const receiving = receiveWal(request, { ...context, signal });
  const failed = receiving.then(() => new Promise<never>(() => undefined));
  try {
    return await Promise.race([lookUntilStored(request, context, wanted), failed]);
  } finally {
    stop.abort(new LarderError('INTERRUPTED', 'everything is stored'));
    await receiving.catch(() => undefined);
  }
}

async function lookUntilStored(
  { store }: ReceiverRequest,
  { clock, signal }: ReceiverContext,
  { present, limit }: { readonly present: Present; readonly limit: number },
): Promise<ArchiveRecord> {
  const deadline = clock.monotonic() + limit;
  for (;;) {
    const archive = await readArchiveRecord(store, present.systemIdentifier);
    if (archive !== undefined && (await reaches(store, archive, present))) return archive;
    if (clock.monotonic() > deadline) {
      throw new LarderError(
        'TIMED_OUT',
        `WAL up to ${formatLsn(present.end)} was not stored in ${limit / 1000} s`,
        {
          hint: '"larder wal status" tells what holds the receiver up.',
        },
      );
    }
    await clock.sleep(LOOK_INTERVAL, signal);
  }
}

async function reaches(
  store: ReceiverRequest['store'],
  archive: ArchiveRecord,
  { timeline, end }: Present,
): Promise<boolean> {
  const index = await readWalIndex(store, archive);
  // the receiver stores a timeline's history first, so without it nothing of the timeline has come yet
  if (timeline > 1 && !index.histories.has(timeline)) return false;
  const { history } = pathTo(index, timeline);
  return contiguousRanges(index, timeline, history).some((range) => range.start < end && end <= range.end);
}

async function describe(
  { store, cluster }: ReceiverRequest,
  found: {
    readonly archive: ArchiveRecord;
    readonly present: Present;
    readonly startTime: string;
    readonly clock: Clock;
    readonly options: SealOptions;
  },
): Promise<SealRecord> {
  const { archive, present, clock } = found;
  const size = BigInt(archive.segmentSize);
  const index = await readWalIndex(store, archive);
  const path: TimelinePath = pathTo(index, present.timeline);
  const ranges = contiguousRanges(index, path.timeline, path.history);
  const to = ((present.end + size - 1n) / size) * size;
  const last = await newestSeal(store, archive.systemIdentifier);
  const begin = sealStart(last, path, { ranges, segmentSize: archive.segmentSize }) ?? to;
  // what retention has removed since the last seal is neither proven nor missing
  const from = lostPart(index.pruned, path, { start: begin, end: to })?.start ?? to;
  // the rest of a segment that was switched away from holds nothing: reaching its last record is enough
  const gaps = holesBetween(ranges, from, present.end);
  return {
    formatVersion: FORMAT_VERSION,
    cluster,
    systemIdentifier: archive.systemIdentifier,
    timeline: path.timeline,
    from: formatLsn(from),
    to: formatLsn(to),
    segments: Number((to - from) / size),
    bytes: Number(to - from),
    gaps: gaps.map((gap) => ({ from: formatLsn(gap.start), to: formatLsn(gap.end) })),
    startTime: found.startTime,
    endTime: new Date(clock.now()).toISOString(),
    larderVersion: found.options.larderVersion,
  };
}

/**
 * Where a seal on the path begins: where the last one ended, but not behind the switch where the path left its timeline;
 * where the archive begins when there was none, or it lies on a branch that the path never took.
 */
export function sealStart(
  last: Pick<SealRecord, 'timeline' | 'to'> | undefined,
  { timeline, history }: TimelinePath,
  { ranges, segmentSize }: { readonly ranges: readonly LsnRange[]; readonly segmentSize: number },
): Lsn | undefined {
  const end = parseLsn(last?.to ?? '');
  if (end !== undefined && last?.timeline === timeline) return end;
  const branch = history.find((ancestor) => ancestor.timeline === last?.timeline);
  if (end === undefined || branch === undefined) return ranges[0]?.start;
  const segment = branch.end - (branch.end % BigInt(segmentSize));
  return end < segment ? end : segment;
}

function gapError(name: string, { gaps }: SealRecord): LarderError {
  const [first] = gaps;
  return new LarderError(
    'WAL_GAP',
    `WAL is missing from ${first?.from ?? '?'} to ${first?.to ?? '?'}${gaps.length > 1 ? ` and in ${gaps.length - 1} more places` : ''}: ${name} says so`,
    {
      hint: 'Take a new full backup now (larder backup); "larder wal status" names every segment that is missing.',
    },
  );
}
