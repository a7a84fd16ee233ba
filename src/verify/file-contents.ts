import { crc32cHex } from '../crc32c.ts';
import { LarderError, toLarderError } from '../errors.ts';
import { BackupManifestReader, type ManifestFile } from '../postgres/backup-manifest.ts';
import { relationOfIncrementalFile } from '../postgres/incremental-file.ts';
import { parseLsn } from '../postgres/lsn.ts';
import { segmentsOfRange } from '../postgres/wal-segment.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import { readFramedObject } from '../repository/frames/framed-object.ts';
import { serverManifestName } from '../repository/layout.ts';
import type { Manifest } from '../repository/manifest/manifest-reader.ts';
import type { FileContents } from '../restore/read-contents.ts';
import { isWhole } from '../restore/whole-file.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Findings } from './report.ts';

/** The contents as they were read, by path. */
export type ContentsByPath = ReadonlyMap<string, FileContents & { readonly size: number }>;

const NOTHING: FileContents = { checksum: 0, bytes: 0 };

/** Checks every file against the checksum it was backed up with; returns them by path. */
export function checkOwnChecksums(
  manifest: Manifest,
  contents: ReadonlyMap<number, FileContents>,
  findings: Findings,
): ContentsByPath {
  const byPath = new Map<string, FileContents & { readonly size: number }>();
  manifest.files.forEach((file, index) => {
    const read = contents.get(index) ?? NOTHING;
    byPath.set(file.path, { ...read, size: file.size });
    if (isWhole(file, read)) return;
    const what = read.bytes === file.size ? 'has another content than was backed up' : 'cannot be read whole';
    findings.add({ code: 'OBJECT_DAMAGED', message: `${file.path} ${what}`, file: file.path });
  });
  return byPath;
}

/**
 * Checks every file that the server's own manifest lists against its size and checksum there. Of a file of which it sent
 * changed blocks only, it knows no checksum: that is counted apart.
 */
export async function checkAgainstServerManifest(
  store: ObjectStore,
  backup: CommitRecord,
  { contents, findings }: { readonly contents: ContentsByPath; readonly findings: Findings },
): Promise<{ equal: number; merged: number }> {
  const object = serverManifestName(backup.id);
  const listed = new Set<string>();
  const counts = { equal: 0, merged: 0 };
  const reader = new BackupManifestReader((sent) => {
    const relation = backup.type === 'incremental' ? relationOfIncrementalFile(sent.path) : undefined;
    const path = relation ?? sent.path;
    listed.add(path);
    const found = contents.get(path);
    const problem = relation === undefined || found === undefined ? compare(sent, found) : undefined;
    if (problem !== undefined)
      findings.add({ code: 'OBJECT_DAMAGED', message: `${path} ${problem}`, file: path });
    else if (relation === undefined) counts.equal += 1;
    else counts.merged += 1;
  });
  try {
    for await (const bytes of readFramedObject(store, object, 'serverManifest')) reader.push(bytes);
    reader.finish();
  } catch (error) {
    findings.addOrThrow(asDamage(error, object), { object });
    return counts;
  }
  for (const file of contents.keys()) {
    if (listed.has(file) || file.startsWith('pg_wal/')) continue;
    findings.add({ code: 'OBJECT_DAMAGED', message: `${file} is not in the server's manifest`, file });
  }
  return counts;
}

/** Checks that the WAL which makes the backup consistent lies in it, whole. The first missing segment says enough. */
export function checkWal(backup: CommitRecord, contents: ContentsByPath, findings: Findings): void {
  for (const range of backup.walRanges) {
    const start = parseLsn(range.start) ?? 0n;
    const end = parseLsn(range.end) ?? 0n;
    for (const name of segmentsOfRange(range.timeline, start, end, backup.walSegmentSize)) {
      const file = `pg_wal/${name}`;
      if (contents.get(file)?.bytes === backup.walSegmentSize) continue;
      findings.add({ code: 'OBJECT_MISSING', message: `WAL segment ${name} is missing or not whole`, file });
      break;
    }
  }
}

function compare(
  listed: ManifestFile,
  found: (FileContents & { readonly size: number }) | undefined,
): string | undefined {
  if (found === undefined) return "is in the server's manifest and not in the backup";
  if (found.size !== listed.size) return `has ${found.size} bytes, the server's manifest says ${listed.size}`;
  if (found.bytes !== found.size) return 'cannot be read whole';
  if (listed.algorithm !== 'CRC32C')
    return `has no checksum of a kind that can be checked (${listed.algorithm ?? 'none'})`;
  return listed.checksum === crc32cHex(found.checksum)
    ? undefined
    : "has another checksum than the server's manifest says";
}

/** A stored server's manifest that cannot be parsed was damaged after it was taken: then it was read to its end. */
function asDamage(thrown: unknown, object: string): LarderError {
  const error = toLarderError(thrown);
  if (error.code !== 'PROTOCOL_VIOLATION') return error;
  return new LarderError('OBJECT_DAMAGED', `${object}: ${error.message}`, { cause: error });
}
