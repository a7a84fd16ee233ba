import { CopyFailure, type CopySession } from './copy-session.ts';

/**
 * What amcheck's library offers, as functions of this session alone. `CREATE EXTENSION` would need a schema, would find what
 * the source has installed under that name, and would run the source's scripts; the library is this host's own.
 */
export interface Amcheck {
  /** Throws CopyFailure with what is wrong with the index. */
  checkIndex(oid: number, thorough: boolean): Promise<void>;
  /** The same for a GIN index; undefined before 18. */
  readonly checkGin: ((oid: number) => Promise<void>) | undefined;
  /** What is wrong with a heap, a line each. Throws CopyFailure where it cannot be read at all. */
  checkHeap(oid: number): Promise<HeapProblem[]>;
  /** Whether sequences can be checked as heaps too (16 and later). */
  readonly knowsSequences: boolean;
}

export interface HeapProblem {
  readonly block: number;
  readonly offset: number | undefined;
  readonly message: string;
}

/** Problems of one heap that are told. */
const PROBLEM_LIMIT = 20;

/**
 * Makes the functions in the session's own temporary schema, and leaves the session read-only.
 * @returns why there are none, where the library is not installed here
 * @throws CopyFailure, LarderError as `CopySession.query`
 */
export async function loadAmcheck(session: CopySession, major: number): Promise<Amcheck | string> {
  try {
    for (const statement of definitions(major)) await session.query(statement);
  } catch (error) {
    if (error instanceof CopyFailure && error.lacking !== undefined) return error.lacking;
    throw error;
  }
  await session.query('SET default_transaction_read_only = on');
  return {
    checkIndex: async (oid, thorough) => {
      await session.query(
        major >= 17
          ? 'SELECT pg_temp.larder_check_index($1::oid::regclass, true, $2, $2)'
          : 'SELECT pg_temp.larder_check_index($1::oid::regclass, true, $2)',
        [oid, thorough],
      );
    },
    checkGin:
      major < 18
        ? undefined
        : async (oid) => {
            await session.query('SELECT pg_temp.larder_check_gin($1::oid::regclass)', [oid]);
          },
    checkHeap: async (oid) => (await session.query(CHECK_HEAP, [oid])).map(problemOf),
    knowsSequences: major >= 16,
  };
}

/** The C functions of amcheck 1.3 (15, 16), 1.4 (17) and 1.5 (18). */
function definitions(major: number): string[] {
  const unique = major >= 17 ? ', boolean' : '';
  return [
    `CREATE FUNCTION pg_temp.larder_check_index(regclass, boolean, boolean${unique}) RETURNS void
       AS '$libdir/amcheck', 'bt_index_parent_check' LANGUAGE C STRICT PARALLEL UNSAFE`,
    `CREATE FUNCTION pg_temp.larder_check_heap(relation regclass, on_error_stop boolean, check_toast boolean, skip text,
       startblock bigint, endblock bigint, OUT blkno bigint, OUT offnum integer, OUT attnum integer, OUT msg text)
       RETURNS SETOF record AS '$libdir/amcheck', 'verify_heapam' LANGUAGE C PARALLEL UNSAFE`,
    ...(major < 18
      ? []
      : [
          `CREATE FUNCTION pg_temp.larder_check_gin(regclass) RETURNS void
             AS '$libdir/amcheck', 'gin_index_check' LANGUAGE C STRICT PARALLEL UNSAFE`,
        ]),
  ];
}

const CHECK_HEAP = `SELECT blkno, offnum, msg
  FROM pg_temp.larder_check_heap($1::oid::regclass, false, true, 'none', NULL, NULL) LIMIT ${PROBLEM_LIMIT}`;

function problemOf(row: Record<string, unknown>): HeapProblem {
  const offset = row['offnum'] === null ? undefined : Number(row['offnum']);
  return { block: Number(row['blkno']), offset, message: String(row['msg']) };
}
