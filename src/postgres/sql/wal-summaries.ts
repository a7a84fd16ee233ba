import { formatLsn, parseLsn, type Lsn } from '../lsn.ts';
import type { RelationSegment } from '../relation-file.ts';
import type { Row } from './row.ts';
import type { Session } from './session.ts';

/** A part of the log that the server has summarized, as one file. */
export interface WalSummary {
  readonly start: Lsn;
  readonly end: Lsn;
}

/** Part of a timeline, [from, to). */
export interface LogRange {
  readonly timeline: number;
  readonly from: Lsn;
  readonly to: Lsn;
}

/** Whether this role can read what the summaries of this server say; never before 17. */
export async function canReadWalSummaries(session: Session): Promise<boolean> {
  const text = `SELECT has_function_privilege('pg_available_wal_summaries()', 'EXECUTE')
      AND has_function_privilege('pg_wal_summary_contents(bigint, pg_lsn, pg_lsn)', 'EXECUTE') AS allowed`;
  const query = { text, what: 'asking for the right to read WAL summaries' };
  return (await session.ifKnowable(() => session.row(query, (row) => row.boolean('allowed')))) ?? false;
}

/** The summaries that lie in the range at least in part, oldest first. Throws as `Session.rows`. */
export async function listWalSummaries(session: Session, range: LogRange): Promise<readonly WalSummary[]> {
  const text = `SELECT start_lsn, end_lsn FROM pg_available_wal_summaries()
    WHERE tli = $1 AND end_lsn > $2::pg_lsn AND start_lsn < $3::pg_lsn ORDER BY start_lsn`;
  return session.rows({ text, values: valuesOf(range), what: 'listing WAL summaries' }, (row) => ({
    start: lsnOf(row, 'start_lsn'),
    end: lsnOf(row, 'end_lsn'),
  }));
}

/** What `pg_wal_summary_contents` says of all summaries in a range; of main and init forks, which are sent as changes. */
const CONTENTS = `
  SELECT s.start_lsn, c.* FROM pg_available_wal_summaries() AS s,
         LATERAL pg_wal_summary_contents(s.tli, s.start_lsn, s.end_lsn) AS c
  WHERE s.tli = $1 AND s.end_lsn > $2::pg_lsn AND s.start_lsn < $3::pg_lsn AND c.relforknumber IN (0, 3)`;

/**
 * The files in which relations were cut off, in the part of the log that the range's summaries tell of. Those that were
 * made anew or removed are not among them: they begin at block 0.
 * @param segmentBlocks blocks of one file of a relation
 * @throws LarderError as `Session.rows`, also when a summary is removed meanwhile
 */
export async function readCutOffFiles(
  session: Session,
  range: LogRange,
  segmentBlocks: number,
): Promise<readonly RelationSegment[]> {
  const text = `SELECT DISTINCT reltablespace, reldatabase, relfilenode, relforknumber,
      relblocknumber / $4::bigint AS segment
    FROM (${CONTENTS}) AS change WHERE is_limit_block AND relblocknumber > 0`;
  return readSegments(session, { text, range, segmentBlocks });
}

/**
 * Of the same files those whose relation grew again as a later summary tells: where the server merges the two the wrong way
 * round, it forgets what was written behind the cut.
 */
export async function readGrownAgain(
  session: Session,
  range: LogRange,
  segmentBlocks: number,
): Promise<readonly RelationSegment[]> {
  const text = `WITH change AS MATERIALIZED (${CONTENTS})
    SELECT DISTINCT cut.reltablespace, cut.reldatabase, cut.relfilenode, cut.relforknumber,
      cut.relblocknumber / $4::bigint AS segment
    FROM change AS cut JOIN change AS later
      USING (reltablespace, reldatabase, relfilenode, relforknumber)
    WHERE cut.is_limit_block AND cut.relblocknumber > 0
      AND NOT later.is_limit_block AND later.relblocknumber >= cut.relblocknumber AND later.start_lsn > cut.start_lsn`;
  return readSegments(session, { text, range, segmentBlocks });
}

function readSegments(
  session: Session,
  query: { readonly text: string; readonly range: LogRange; readonly segmentBlocks: number },
): Promise<readonly RelationSegment[]> {
  const values = [...valuesOf(query.range), String(query.segmentBlocks)];
  return session.rows({ text: query.text, values, what: 'reading WAL summaries' }, (row) => ({
    tablespace: row.integer('reltablespace'),
    database: row.integer('reldatabase'),
    relation: row.integer('relfilenode'),
    fork: row.integer('relforknumber'),
    segment: row.integer('segment'),
  }));
}

function valuesOf({ timeline, from, to }: LogRange): string[] {
  return [String(timeline), formatLsn(from), formatLsn(to)];
}

function lsnOf(row: Row, column: string): Lsn {
  return parseLsn(row.text(column)) ?? 0n;
}
