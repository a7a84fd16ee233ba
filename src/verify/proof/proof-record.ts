import * as z from 'zod';
import { LarderError, toLarderError } from '../../errors.ts';
import { proofRecordName, type ProofRecordName } from '../../repository/layout.ts';
import { FORMAT_VERSION } from '../../repository/object-header.ts';
import { listProofs } from '../../repository/proof-state.ts';
import { decodeSealedJson, encodeSealedJson, formatVersion } from '../../repository/sealed-json.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { ProofReport } from '../proof-report.ts';
import { proofReportSchema } from '../proof-schema.ts';

const RECORD_LIMIT = 16 * 1024 * 1024;
const schema = z.strictObject({ formatVersion, report: proofReportSchema });

/** A record of a proof as it is stored. */
export interface StoredProof {
  readonly record: ProofRecordName;
  readonly name: string;
  /** undefined where it cannot be read: its name still tells how the proof came out. */
  readonly report: ProofReport | undefined;
  /** Why it cannot be read. */
  readonly problem: LarderError | undefined;
}

/**
 * Stores how a proof came out, under the next number that is free. A failed one quarantines the backup.
 * @returns the object's name
 * @throws LarderError what keeps the store from taking it
 */
export async function writeProof(store: ObjectStore, report: ProofReport): Promise<string> {
  const { backup } = report;
  const result = report.verdict === 'failed' ? 'quarantined' : 'verified';
  const bytes = encodeSealedJson({ formatVersion: FORMAT_VERSION, report });
  for (;;) {
    const last = (await listProofs(store, backup)).at(-1)?.number ?? 0;
    const name = proofRecordName({ backup, result, number: last + 1 });
    try {
      await store.putIfAbsent(name, bytes);
      return name;
    } catch (error) {
      // somebody else's proof of the same backup came first
      if (!(error instanceof LarderError) || error.code !== 'OBJECT_EXISTS') throw error;
    }
  }
}

/**
 * The records of a backup's proofs, oldest first.
 * @throws LarderError what keeps the store from answering; what is damaged is told in the answer
 */
export async function readProofs(store: ObjectStore, backup: string): Promise<StoredProof[]> {
  const proofs: StoredProof[] = [];
  for (const record of await listProofs(store, backup)) {
    const name = proofRecordName(record);
    proofs.push({ record, name, ...(await readReport(store, name, record)) });
  }
  return proofs;
}

const DAMAGE: readonly string[] = ['OBJECT_DAMAGED', 'OBJECT_MISSING', 'REPOSITORY_NEWER_FORMAT'];

async function readReport(
  store: ObjectStore,
  name: string,
  { backup }: ProofRecordName,
): Promise<Pick<StoredProof, 'report' | 'problem'>> {
  try {
    const parsed = schema.safeParse(decodeSealedJson(await store.get(name, RECORD_LIMIT), name));
    if (parsed.success && parsed.data.report.backup === backup)
      return { report: parsed.data.report, problem: undefined };
    throw new LarderError('OBJECT_DAMAGED', `${name} is not the record of a proof of ${backup}`);
  } catch (thrown) {
    const problem = toLarderError(thrown);
    if (!DAMAGE.includes(problem.code)) throw thrown;
    return { report: undefined, problem };
  }
}
