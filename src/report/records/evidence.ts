import { createHash } from 'node:crypto';
import * as z from 'zod';
import { LarderError, toLarderError } from '../../errors.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { openStore } from '../../storage/open-store.ts';
import type { DrillReport, ProofReport } from '../../verify/proof-report.ts';
import { drillReportSchema, proofReportSchema } from '../../verify/proof-schema.ts';
import { isDrill } from '../proof-words.ts';

/** What a restore test or a drill found, as it is kept in a JSON file of the evidence directory. */
export interface Evidence {
  /** Milliseconds since 1970 UTC. */
  readonly recorded: number;
  readonly cluster: string;
  readonly report: ProofReport | DrillReport;
}

export interface StoredEvidence extends Evidence {
  /** `20261126_101504.json`. */
  readonly name: string;
}

/** What the directory holds; a file that cannot be read is named, never left out. */
export interface EvidenceFiles {
  /** Oldest first. */
  readonly files: readonly StoredEvidence[];
  readonly unreadable: readonly { readonly name: string; readonly problem: string }[];
}

const FORMAT_VERSION = 1;
/** Far more than thousands of findings need. */
const FILE_LIMIT = 16 * 1024 * 1024;
const NAME = /^\d{8}_\d{6}\.json$/;

const common = {
  formatVersion: z.literal(FORMAT_VERSION),
  recorded: z.iso.datetime().transform((text) => Date.parse(text)),
  cluster: z.string(),
};
const schema = z.discriminatedUnion('kind', [
  z.object({ ...common, kind: z.literal('proof'), report: proofReportSchema }),
  z.object({ ...common, kind: z.literal('drill'), report: drillReportSchema }),
]);

/** The directory of the evidence: files are written once, whole and durable. */
export function evidenceStore(directory: string): ObjectStore {
  return openStore({ kind: 'filesystem', directory });
}

/** What a file holds: JSON for people and programs. */
export function encodeEvidence({ recorded, cluster, report }: Evidence): Buffer {
  const kind = isDrill(report) ? 'drill' : 'proof';
  const time = new Date(recorded).toISOString();
  const value = { formatVersion: FORMAT_VERSION, kind, cluster, recorded: time, report };
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

/**
 * Stores one file under the second it was recorded in, or the next one that is free.
 * @returns its name, and the SHA-256 of its bytes
 * @throws LarderError as the store
 */
export async function writeEvidence(
  store: ObjectStore,
  evidence: Evidence,
): Promise<{ readonly name: string; readonly sha256: string }> {
  const bytes = encodeEvidence(evidence);
  for (let time = evidence.recorded; ; time += 1000) {
    const name = evidenceName(time);
    try {
      await store.putIfAbsent(name, bytes);
      return { name, sha256: sha256Of(bytes) };
    } catch (error) {
      if (!(error instanceof LarderError) || error.code !== 'OBJECT_EXISTS') throw error;
    }
  }
}

/** Everything in the directory. Throws what keeps the store from answering. */
export async function readEvidence(store: ObjectStore): Promise<EvidenceFiles> {
  const files: StoredEvidence[] = [];
  const unreadable: { name: string; problem: string }[] = [];
  for (const name of await evidenceNames(store)) {
    try {
      files.push(await readEvidenceFile(store, name));
    } catch (error) {
      unreadable.push({ name, problem: toLarderError(error).message });
    }
  }
  return { files, unreadable };
}

/** One of the files. Throws what keeps it from being read, or understood. */
export async function readEvidenceFile(store: ObjectStore, name: string): Promise<StoredEvidence> {
  return { name, ...decode(await store.get(name, FILE_LIMIT)) };
}

/** Oldest first. */
export async function evidenceNames(store: ObjectStore): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.list('')) if (NAME.test(name)) names.push(name);
  return names.sort();
}

/** The SHA-256 of a file as it is now. Throws as the store: OBJECT_MISSING where there is none. */
export async function evidenceHash(store: ObjectStore, name: string): Promise<string> {
  return sha256Of(await store.get(name, FILE_LIMIT));
}

function decode(bytes: Uint8Array): Evidence {
  const { recorded, cluster, report } = schema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  return { recorded, cluster, report };
}

/** In UTC. */
function evidenceName(time: number): string {
  const [day = '', clock = ''] = new Date(time).toISOString().replace(/[-:]/g, '').split('T');
  return `${day}_${clock.slice(0, 6)}.json`;
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
