import { LarderError } from '../errors.ts';
import { formatLsn, type Lsn } from '../postgres/lsn.ts';
import { parseRelationPath, relationSegmentKey } from '../postgres/relation-file.ts';
import type { ServerIdentity } from '../postgres/replication/server-identity.ts';
import type { Session } from '../postgres/sql/session.ts';
import {
  listWalSummaries,
  readCutOffFiles,
  readGrownAgain,
  type WalSummary,
} from '../postgres/sql/wal-summaries.ts';
import { isVisibilityMap } from '../postgres/uploaded-manifest.ts';

/** Behind every position there is. */
const END_OF_LOG: Lsn = 0xffffffffffffffffn;

type AccountIdentity = Pick<ServerIdentity, 'timeline' | 'blockSize' | 'relationFileSize'>;

/**
 * What the server's account of changes since a backup cannot be trusted with: those files are to come whole.
 *
 * - **Visibility maps.** Servers clear bits of them without naming the page in the log: before 17.11 and 18.6 whenever a row
 *   changes, after that (up to 18.6 at least) when a relation is cut off without checksums and wal_log_hints. A restored
 *   cluster would find deleted rows through index-only scans, or skip rows when it freezes (pgsql-hackers, "Why clearing the
 *   VM doesn't require registering vm buffer", March 2026; "Fix stale visibility maps in incremental backups after heap
 *   truncation", October 2026). A map has one byte for each 32 KiB of its table.
 * - **Relations that were cut off** (VACUUM gives free pages at their end back) and may have grown again. The server merges
 *   its summaries in the order in which their directory lists them, not in that of the log (17.0 to 18.6: GetWalSummaries
 *   reads the directory, PrepareForIncrementalBackup does not sort). A cut that is merged behind the later growth removes
 *   the grown blocks from the account, and the copy holds what lay there before, or nothing. pg_basebackup with
 *   pg_combinebackup loses the same rows; `test/integration/incremental/cut-off.test.ts` shows it. Of a relation's files only
 *   the one that holds the cut is concerned: those before it lose nothing, those behind it come whole.
 */
export class ChangeAccount {
  readonly #session: Session;
  readonly #identity: AccountIdentity;
  readonly #cutOff: ReadonlySet<string>;
  /** Summaries up to here were looked at. */
  readonly #known: Lsn;

  private constructor(
    session: Session,
    identity: AccountIdentity,
    found: { readonly cutOff: ReadonlySet<string>; readonly known: Lsn },
  ) {
    this.#session = session;
    this.#identity = identity;
    this.#cutOff = found.cutOff;
    this.#known = found.known;
  }

  /**
   * Reads the summaries that there are of the log since `from`, the start of the parent.
   * @throws LarderError INCREMENTAL_REFUSED where they have a gap; as `Session.rows`
   */
  static async read(session: Session, identity: AccountIdentity, from: Lsn): Promise<ChangeAccount> {
    const { timeline } = identity;
    const summaries = await listWalSummaries(session, { timeline, from, to: END_OF_LOG });
    const known = coveredTo(from, summaries);
    if (known < (summaries.at(-1)?.end ?? from)) throw incomplete(known);
    // only what was listed: a summary that comes meanwhile belongs to `assertTold`
    const range = { timeline, from, to: known };
    const files =
      summaries.length === 0 ? [] : await readCutOffFiles(session, range, segmentBlocks(identity));
    return new ChangeAccount(session, identity, { cutOff: new Set(files.map(relationSegmentKey)), known });
  }

  /** Whether the server must not be asked for changes to the file, which may be named as such (`INCREMENTAL.…`). */
  comesWhole(path: string): boolean {
    if (isVisibilityMap(path)) return true;
    if (this.#cutOff.size === 0) return false;
    const file = parseRelationPath(path);
    return file !== undefined && this.#cutOff.has(relationSegmentKey(file));
  }

  /**
   * Looks at the summaries that came since `read`, up to the start of the backup, which the server waited for before it sent
   * anything. Usually it is one, and one by itself cannot be merged in the wrong order; everything before it was looked at.
   * @throws LarderError CHANGES_UNCERTAIN when a relation was cut off and grew again meanwhile: an account that is read now
   *   knows of it; INCREMENTAL_REFUSED where summaries have a gap; as `Session.rows`
   */
  async assertTold(start: Lsn): Promise<void> {
    const range = { timeline: this.#identity.timeline, from: this.#known, to: start };
    if (start <= this.#known) return;
    const summaries = await listWalSummaries(this.#session, range);
    const known = coveredTo(this.#known, summaries);
    if (known < start) throw incomplete(known);
    if (summaries.length < 2) return;
    const [first] = await readGrownAgain(this.#session, range, segmentBlocks(this.#identity));
    if (first === undefined) return;
    throw new LarderError(
      'CHANGES_UNCERTAIN',
      `relation ${first.relation} of database ${first.database} was cut off and grew again while the backup began: the server's account of changes may have lost the growth`,
    );
  }
}

/** How far the summaries, oldest first, tell of the log without a gap. */
function coveredTo(from: Lsn, summaries: readonly WalSummary[]): Lsn {
  return summaries.reduce(
    (end, summary) => (summary.start <= end && summary.end > end ? summary.end : end),
    from,
  );
}

/** The server says so too, unless the one that was asked with SQL is another one: behind a proxy. */
function incomplete(end: Lsn): LarderError {
  return new LarderError(
    'INCREMENTAL_REFUSED',
    `the server has no summary of its WAL behind ${formatLsn(end)} that can be read`,
  );
}

function segmentBlocks({ relationFileSize, blockSize }: AccountIdentity): number {
  return relationFileSize / blockSize;
}
