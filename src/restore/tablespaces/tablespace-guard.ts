import { readdir } from 'node:fs/promises';
import { LarderError, systemErrorCode } from '../../errors.ts';
import type { Lsn } from '../../postgres/lsn.ts';
import { WalRecordReader } from '../../postgres/wal-records.ts';
import {
  mayMakeTablespace,
  readTablespaceCreation,
  type TablespaceCreation,
} from '../../postgres/wal-tablespace-creation.ts';

/** Which tablespaces a copy's log may not make: those whose directory is a server's already, or all that lie outside. */
export type KeepOut = 'occupied' | 'everything';

export interface GuardedLog {
  /** Of the first byte that is looked at; at the beginning of a segment. */
  readonly start: Lsn;
  readonly segmentSize: number;
  readonly keepOut: KeepOut;
}

/** A tablespace that must not be made. */
export interface TablespaceRefusal {
  /** Position of the record that makes it: up to there the log may be replayed. */
  readonly at: Lsn;
  /** RESTORE_REFUSED */
  readonly error: LarderError;
}

/**
 * Looks for tablespaces that the log makes before a server replays it. Replaying takes the original's directory, whatever is
 * there: the copy of a server that runs on this host would write its own, older pages into the other's files, in silence
 * (create_tablespace_directories takes a directory that exists while it recovers; seen on 15 and 18).
 */
export class TablespaceGuard {
  readonly #reader: WalRecordReader;
  readonly #keepOut: KeepOut;

  constructor({ start, segmentSize, keepOut }: GuardedLog) {
    this.#reader = new WalRecordReader({ start, segmentSize, check: 'headers' });
    this.#keepOut = keepOut;
  }

  /**
   * Looks at the next bytes of the log; gives the first tablespace that they must not make. Behind something that cannot be read
   * nothing is looked at: no server replays that.
   */
  async look(bytes: Buffer): Promise<TablespaceRefusal | undefined> {
    // records are valid only while one iterates
    const found: (TablespaceCreation & { readonly at: Lsn })[] = [];
    for (const record of this.#reader.push(bytes)) {
      const creation = readTablespaceCreation(record);
      if (creation !== undefined) found.push({ ...creation, at: record.start });
    }
    for (const creation of found) {
      const error = await problemWith(creation, this.#keepOut);
      if (error !== undefined) return { at: creation.at, error };
    }
    return undefined;
  }

  /** Whether what was looked at ends within a record that may make one. */
  isUndecided(): boolean {
    const { unfinished } = this.#reader;
    return unfinished !== undefined && mayMakeTablespace(unfinished);
  }
}

async function problemWith(
  { oid, location }: TablespaceCreation,
  keepOut: KeepOut,
): Promise<LarderError | undefined> {
  if (location === '') return undefined;
  const what = `the log makes tablespace ${oid} in ${location}`;
  if (keepOut === 'everything') {
    return new LarderError('RESTORE_REFUSED', `${what}, outside of the copy`, {
      hint: 'Nothing on this host would keep the copy out of that directory: run Larder as root, or where unshare works, or take a backup.',
    });
  }
  if (!(await isOccupied(location))) return undefined;
  return new LarderError(
    'RESTORE_REFUSED',
    `${what}, where a server has its files: replaying it would write older pages over them`,
    {
      hint: `Restore on another host, or to a point before it. A backup that was taken since then brings the tablespace with it, and --tablespace ${oid}=DIR puts it elsewhere. Where no server uses ${location} any more, move away what lies in it.`,
    },
  );
}

/** Servers keep what they have of a tablespace in `PG_<major>_<catalog version>`; one that cannot be looked into counts too. */
async function isOccupied(location: string): Promise<boolean> {
  try {
    return (await readdir(location)).some((name) => name.startsWith('PG_'));
  } catch (error) {
    const code = systemErrorCode(error);
    return code !== 'ENOENT' && code !== 'ENOTDIR';
  }
}
