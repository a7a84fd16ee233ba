import { LarderError, toLarderError } from '../errors.ts';
import { readCatalogue, type UnreadableBackup } from '../repository/catalogue.ts';
import { readMarks, type ExpiryMark } from '../repository/expiry-mark.ts';
import { isActive, readHolds, type StoredHold } from '../repository/hold-record.ts';
import type { ProofResult } from '../repository/layout.ts';
import type { ProofStates } from '../repository/proof-state.ts';
import { findArchive, type ArchiveRecord } from '../repository/wal/archive-record.ts';
import { readWalIndex } from '../repository/wal/wal-index.ts';
import { archivedSystem, ARCHIVE_PREFIX, parseWalObject, walPrefix } from '../repository/wal/wal-layout.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { LogObject } from './plan-log.ts';
import type { ListedLog, RetentionFacts } from './retention-plan.ts';
import type { ActiveHold } from './view.ts';

/** What a plan is made of, and the marks that earlier runs have left. */
export interface RetentionState {
  readonly facts: RetentionFacts;
  readonly marks: readonly ExpiryMark[];
}

/** What cannot be read is named in the facts; a store that does not answer is an error: nothing is planned without it. */
const DAMAGE = ['OBJECT_DAMAGED', 'OBJECT_MISSING', 'REPOSITORY_NEWER_FORMAT'];

/**
 * Reads everything that retention decides by. It writes nothing.
 * @param now ms since 1970 UTC
 * @throws LarderError whatever keeps the store from answering
 */
export async function readRetentionState(store: ObjectStore, now: number): Promise<RetentionState> {
  const { backups, unreadable, proofs } = await readCatalogue(store);
  const facts: RetentionFacts = {
    backups,
    unreadable: unreadable.flatMap(describeUnreadable),
    verified: idsOf(proofs, 'verified'),
    quarantined: idsOf(proofs, 'quarantined'),
    holds: activeHolds(await readHolds(store), now),
    logs: await readLogs(store),
  };
  return { facts, marks: await readMarks(store) };
}

function describeUnreadable({ id, problem }: UnreadableBackup): { id: string; problem: string }[] {
  // removed since it was listed
  if (problem.code === 'BACKUP_UNKNOWN') return [];
  if (DAMAGE.includes(problem.code)) return [{ id, problem: problem.message }];
  throw new LarderError(problem.code, `the commit record of ${id} cannot be read now: ${problem.message}`, {
    ...(problem.hint === undefined ? {} : { hint: problem.hint }),
    cause: problem,
  });
}

/** The holds that keep their backups now. */
export function activeHolds(holds: readonly StoredHold[], now: number): ActiveHold[] {
  return holds
    .filter((stored) => isActive(stored, now))
    .map(({ backup, hold, name, problem }) => ({
      backup,
      until: hold === undefined ? undefined : Date.parse(hold.until),
      reason: hold?.reason ?? `${name} cannot be read: ${problem?.message ?? 'no details'}`,
    }));
}

function idsOf(proofs: ProofStates, wanted: ProofResult): Set<string> {
  return new Set([...proofs].flatMap(([id, result]) => (result === wanted ? [id] : [])));
}

async function readLogs(store: ObjectStore): Promise<ListedLog[]> {
  const systems = new Set<string>();
  for await (const { name } of store.list(ARCHIVE_PREFIX)) {
    const system = archivedSystem(name);
    if (system !== undefined) systems.add(system);
  }
  const logs: ListedLog[] = [];
  for (const system of [...systems].sort()) {
    try {
      const archive = await findArchive(store, system);
      if (archive !== undefined) logs.push(await readLog(store, archive));
    } catch (thrown) {
      const { code, message } = toLarderError(thrown);
      if (!DAMAGE.includes(code)) throw thrown;
      logs.push({ systemIdentifier: system, problem: message });
    }
  }
  return logs;
}

async function readLog(store: ObjectStore, archive: ArchiveRecord): Promise<ListedLog> {
  const { systemIdentifier, segmentSize } = archive;
  const index = await readWalIndex(store, archive);
  const objects: LogObject[] = [];
  for await (const { name, size, modified } of store.list(walPrefix(systemIdentifier))) {
    const object = parseWalObject(name, systemIdentifier, segmentSize);
    if (object?.kind !== 'segment' && object?.kind !== 'tail') continue;
    const { timeline, number } = object.segment;
    const start = number * BigInt(segmentSize) + BigInt(object.kind === 'tail' ? object.from : 0);
    objects.push({ name, timeline, start, size, modified });
  }
  return { systemIdentifier, index, objects };
}
