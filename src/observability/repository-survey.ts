import { toLarderError } from '../errors.ts';
import { readCommitRecord, type UnreadableBackup } from '../repository/catalogue.ts';
import { listBackupObjects } from '../repository/backup-objects.ts';
import {
  backupOfCommitRecord,
  backupOfObject,
  parseBackupId,
  proofRecordName,
} from '../repository/layout.ts';
import { findArchive } from '../repository/wal/archive-record.ts';
import { newestSeal } from '../repository/wal/seal-record.ts';
import { readWalIndex } from '../repository/wal/wal-index.ts';
import type { ObjectInfo, ObjectStore } from '../storage/object-store.ts';
import { newestBackup, type BackupFacts, type BackupType } from './backup-facts.ts';
import { catalogueFacts, type ListedBackups } from './catalogue-facts.ts';
import { logFacts, windowWithoutLog, type LogFacts } from './log-facts.ts';
import { newestMarks, proofMark, readRestoreSeconds, type ProofMark } from './proof-marks.ts';
import { recordFacts, type RecordFacts } from './record-facts.ts';

/** What a repository holds of one cluster. */
export interface RepositoryFacts {
  readonly backups: readonly BackupFacts[];
  /** Bytes of all objects below the backups of each type, of unfinished ones too. */
  readonly backupBytes: Readonly<Record<BackupType, number>>;
  readonly log: LogFacts;
  /** How long the newest backup that was proven took to be restored for that, seconds; undefined: not known. */
  readonly restoreSeconds: number | undefined;
  /** When the newest seal ended that found nothing missing, milliseconds since 1970 UTC; undefined: there is none. */
  readonly sealed: number | undefined;
}

/** One listing of the backups. */
interface Listing {
  readonly commitRecords: ReadonlyMap<string, ObjectInfo>;
  readonly proofs: ReadonlyMap<string, ProofMark>;
  readonly bytes: Readonly<Record<BackupType, number>>;
}

/**
 * Looks at what a repository holds, again and again. Commit records never change, so each is read once, and again when its
 * size or time is another one.
 */
export class RepositorySurvey {
  readonly #store: ObjectStore;
  #known: ReadonlyMap<string, { readonly stamp: string; readonly record: RecordFacts }> = new Map();
  #proof: { readonly name: string; readonly restoreSeconds: number | undefined } | undefined;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Throws LarderError what keeps the repository, or a part of it, from being read: then nothing of it is known. */
  async read(): Promise<RepositoryFacts> {
    const { commitRecords, proofs, bytes } = await listBackups(this.#store);
    const backups = catalogueFacts({ ...(await this.#readRecords(commitRecords)), proofs });
    const system = newestBackup(backups.filter(({ end }) => end !== undefined))?.end?.systemIdentifier;
    return {
      backups,
      backupBytes: bytes,
      log: await readLog(this.#store, system, backups),
      restoreSeconds: await this.#restoreSeconds(backups, proofs),
      sealed: system === undefined ? undefined : await readSealed(this.#store, system),
    };
  }

  /** Of the record that counts, which is read once. */
  async #restoreSeconds(
    backups: readonly BackupFacts[],
    proofs: Listing['proofs'],
  ): Promise<number | undefined> {
    const newest = newestBackup(
      backups.filter(({ state, verified }) => state === 'good' && verified !== undefined),
    );
    const mark = newest === undefined ? undefined : proofs.get(newest.id);
    if (mark === undefined) return undefined;
    const name = proofRecordName(mark);
    if (this.#proof?.name !== name) {
      this.#proof = { name, restoreSeconds: await readRestoreSeconds(this.#store, mark) };
    }
    return this.#proof.restoreSeconds;
  }

  async #readRecords(
    listed: Listing['commitRecords'],
  ): Promise<Pick<ListedBackups, 'records' | 'unreadable'>> {
    const known = new Map<string, { readonly stamp: string; readonly record: RecordFacts }>();
    const unreadable: UnreadableBackup[] = [];
    for (const [id, { size, modified }] of listed) {
      const stamp = `${size} ${modified}`;
      const before = this.#known.get(id);
      try {
        const record =
          before?.stamp === stamp ? before.record : recordFacts(await readCommitRecord(this.#store, id));
        known.set(id, { stamp, record });
      } catch (thrown) {
        unreadable.push({ id, problem: toLarderError(thrown) });
      }
    }
    this.#known = known;
    return { records: [...known.values()].map(({ record }) => record), unreadable };
  }
}

async function listBackups(store: ObjectStore): Promise<Listing> {
  const commitRecords = new Map<string, ObjectInfo>();
  const marks: ProofMark[] = [];
  const bytes = { full: 0, incremental: 0 };
  for await (const object of listBackupObjects(store)) {
    const type = parseBackupId(backupOfObject(object.name) ?? '')?.type;
    if (type !== undefined) bytes[type] += object.size;
    const id = backupOfCommitRecord(object.name);
    const mark = proofMark(object);
    if (id !== undefined) commitRecords.set(id, object);
    else if (mark !== undefined) marks.push(mark);
  }
  return { commitRecords, proofs: newestMarks(marks), bytes };
}

/** Before the first backup. */
export const NOTHING_STORED: RepositoryFacts = {
  backups: [],
  backupBytes: { full: 0, incremental: 0 },
  log: { storedBytes: 0, segments: 0, missingSegments: 0, damaged: 0, window: undefined },
  restoreSeconds: undefined,
  sealed: undefined,
};

const NO_LOG = { storedBytes: 0, segments: 0, missingSegments: 0, damaged: 0 };

/** Of the cluster that the newest backup is of. */
async function readLog(
  store: ObjectStore,
  system: string | undefined,
  backups: readonly BackupFacts[],
): Promise<LogFacts> {
  try {
    const archive = system === undefined ? undefined : await findArchive(store, system);
    if (archive === undefined) return { ...NO_LOG, window: windowWithoutLog(backups) };
    return logFacts(await readWalIndex(store, archive), backups);
  } catch (thrown) {
    if (!isDamage(thrown)) throw thrown;
    return { ...NO_LOG, missingSegments: undefined, damaged: 1, window: windowWithoutLog(backups) };
  }
}

async function readSealed(store: ObjectStore, system: string): Promise<number | undefined> {
  try {
    const seal = await newestSeal(store, system);
    return seal?.gaps.length === 0 ? Date.parse(seal.endTime) : undefined;
  } catch (thrown) {
    // a seal that cannot be read is none; the next one stands beside it
    if (isDamage(thrown)) return undefined;
    throw thrown;
  }
}

function isDamage(thrown: unknown): boolean {
  return ['OBJECT_DAMAGED', 'OBJECT_MISSING', 'REPOSITORY_NEWER_FORMAT'].includes(toLarderError(thrown).code);
}
