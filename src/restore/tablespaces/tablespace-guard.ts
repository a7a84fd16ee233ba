import { LarderError } from '../../errors.ts';
import { formatLsn, type Lsn } from '../../postgres/lsn.ts';
import { WalRecordReader } from '../../postgres/wal-records.ts';
import {
  mayMakeTablespace,
  readTablespaceCreation,
  type TablespaceCreation,
} from '../../postgres/wal-tablespace-creation.ts';
import { recoveryStart } from '../backup-label.ts';
import { placesOfCopy, problemOfMaking, type KeepOut } from './foreign-places.ts';

/** The log that one copy is about to replay. */
export interface GuardedLog {
  /** Of the first byte that is looked at; at the beginning of a segment. */
  readonly start: Lsn;
  readonly segmentSize: number;
  /** Of the copy. */
  readonly dataDirectory: string;
  readonly keepOut: KeepOut;
}

/** A tablespace that must not be made. */
export interface TablespaceRefusal {
  /** Position of the record that makes it: up to there the log may be replayed. */
  readonly at: Lsn;
  /** Of the record before it, the last one that is. */
  readonly before: Lsn;
  /** RESTORE_REFUSED */
  readonly error: LarderError;
}

interface Found extends TablespaceCreation {
  readonly at: Lsn;
  /** Of the record before. */
  readonly before: Lsn;
}

/** Looks for tablespaces that the log makes, before a server replays it; `problemOfMaking` says why. */
export class TablespaceGuard {
  readonly #reader: WalRecordReader;
  readonly #log: GuardedLog;

  constructor(log: GuardedLog) {
    const { start, segmentSize } = log;
    this.#reader = new WalRecordReader({ start, segmentSize, check: 'headers' });
    this.#log = log;
  }

  /**
   * Looks at the next bytes of the log; gives the first tablespace that they must not make. Behind something that cannot be read
   * nothing is looked at: no server replays that.
   */
  async look(bytes: Buffer): Promise<TablespaceRefusal | undefined> {
    // records are valid only while one iterates
    const found: Found[] = [];
    for (const record of this.#reader.push(bytes)) {
      const creation = readTablespaceCreation(record);
      if (creation === undefined) continue;
      found.push({ ...creation, at: record.start, before: record.bytes.readBigUInt64LE(PREVIOUS_RECORD) });
    }
    if (found.length === 0) return undefined;
    const { dataDirectory, keepOut } = this.#log;
    const own = await placesOfCopy(dataDirectory);
    // a segment begins before what is replayed of it
    const start = (await recoveryStart(dataDirectory)) ?? 0n;
    for (const creation of found.filter(({ at }) => at >= start)) {
      const problem = await problemOfMaking(creation, { keepOut, own });
      if (problem !== undefined) return { ...creation, error: withLastPoint(problem, creation) };
    }
    return undefined;
  }

  /** Whether what was looked at ends within a record that may make one. */
  isUndecided(): boolean {
    const { unfinished } = this.#reader;
    return unfinished !== undefined && mayMakeTablespace(unfinished);
  }
}

/** In the header of a record: where the one before begins. */
const PREVIOUS_RECORD = 8;

/** A time, or a target that excludes itself, is told only by a record behind it, which may be that of the creation. */
function withLastPoint({ code, message, hint }: LarderError, { before }: Found): LarderError {
  return new LarderError(code, message, {
    hint: `${hint ?? ''} Everything before it: --target-lsn ${formatLsn(before)}`.trimStart(),
  });
}
