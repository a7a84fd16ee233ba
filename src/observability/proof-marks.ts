import { toLarderError } from '../errors.ts';
import { parseProofRecordName, type ProofRecordName } from '../repository/layout.ts';
import { outweighs } from '../repository/proof-state.ts';
import { decodeSealedJson } from '../repository/sealed-json.ts';
import type { ObjectInfo, ObjectStore } from '../storage/object-store.ts';

/** The record of how a restore of a backup came out; of several the one with the highest number counts. */
export interface ProofMark extends ProofRecordName {
  readonly object: ObjectInfo;
}

/** What the name of an object says of a proof; undefined for any other object. */
export function proofMark(object: ObjectInfo): ProofMark | undefined {
  const record = parseProofRecordName(object.name);
  return record === undefined ? undefined : { ...record, object };
}

/** The one that counts, by backup. */
export function newestMarks(marks: readonly ProofMark[]): ReadonlyMap<string, ProofMark> {
  const newest = new Map<string, ProofMark>();
  for (const mark of marks) {
    if (outweighs(mark, newest.get(mark.backup))) newest.set(mark.backup, mark);
  }
  return newest;
}

const RECORD_LIMIT = 16 * 1024 * 1024;
/** The parts of a proof that a restore in earnest has too; its checks come on top. */
const RECOVERY_PHASES = ['restore', 'start', 'replay', 'start and replay'];

/**
 * How long the backup took to be restored, started and rolled forward when it was proven, seconds; undefined where the record
 * does not say, or cannot be read. Throws what keeps the store from answering.
 */
export async function readRestoreSeconds(
  store: ObjectStore,
  { object }: ProofMark,
): Promise<number | undefined> {
  try {
    const value = decodeSealedJson(await store.get(object.name, RECORD_LIMIT), object.name);
    return recoverySeconds(value);
  } catch (thrown) {
    const { code } = toLarderError(thrown);
    if (['OBJECT_DAMAGED', 'OBJECT_MISSING', 'REPOSITORY_NEWER_FORMAT'].includes(code)) return undefined;
    throw thrown;
  }
}

function recoverySeconds(value: unknown): number | undefined {
  const { phases } = (value as { report?: { phases?: unknown } }).report ?? {};
  if (!Array.isArray(phases)) return undefined;
  const counted = (phases as readonly { name?: unknown; seconds?: unknown }[])
    .filter(({ name }) => typeof name === 'string' && RECOVERY_PHASES.includes(name))
    .map(({ seconds }) => Number(seconds));
  const sum = counted.reduce((total, seconds) => total + seconds, 0);
  return counted.length === 0 || Number.isNaN(sum) ? undefined : sum;
}
