import { hash } from 'node:crypto';

/**
 * What a restore leaves in the data directory for the next one over it: how every file looked when its content was proven. The
 * name begins as PostgreSQL's temporary files do: servers leave it where it is (they remove such files only
 * from the directories that they make them in), and base backups and pgBackRest leave it out.
 */
export const FILES_RECORD = 'pgsql_tmp_larder_files';

/** Far above that of a million files. */
export const FILES_RECORD_LIMIT = 256 * 1024 * 1024;

export interface FilesRecord {
  /** Of the backup that was restored. */
  readonly backup: string;
  /** Of its manifest, whose files the indexes are of. */
  readonly manifestSha256: string;
  /** The kernel's boot_id: times that were in its memory only are gone with a crash. */
  readonly bootId: string;
  /** When it was made, milliseconds since 1970. */
  readonly time: number;
  /** By their index in the manifest. */
  readonly files: ReadonlyMap<number, RecordedFile>;
}

export interface RecordedFile {
  /** As `stampOf` makes it. */
  readonly stamp: string;
  /** When its content was last written or read by us, milliseconds since 1970. */
  readonly proven: number;
}

const BEGINNING = 'larder-files 1';

/** Lines: what it is, backup, SHA-256, boot, time; a line for each file: index, proven, stamp; the SHA-256 of all that. */
export function encodeFilesRecord({ backup, manifestSha256, bootId, time, files }: FilesRecord): Buffer {
  const lines = [BEGINNING, backup, manifestSha256, bootId, String(time)];
  for (const [index, { stamp, proven }] of files) lines.push(`${index} ${proven} ${stamp}`);
  const text = `${lines.join('\n')}\n`;
  return Buffer.from(`${text}${hash('sha256', text)}\n`);
}

/** `undefined` for anything that `encodeFilesRecord` did not make, to the last byte. */
export function decodeFilesRecord(bytes: Buffer): FilesRecord | undefined {
  const text = bytes.toString('latin1');
  const sealed = text.length - 65;
  if (text.slice(sealed) !== `${hash('sha256', text.slice(0, Math.max(0, sealed)))}\n`) return undefined;
  const [beginning, backup, manifestSha256, bootId, time, ...lines] = text.slice(0, sealed - 1).split('\n');
  if (beginning !== BEGINNING || backup === undefined || manifestSha256 === undefined) return undefined;
  if (bootId === undefined || time === undefined) return undefined;
  const files = new Map<number, RecordedFile>();
  for (const line of lines) {
    const [, index, proven, stamp = ''] = /^(\d+) (\d+) (\d+(?: -?\d+){4})$/.exec(line) ?? [];
    if (index === undefined) return undefined;
    files.set(Number(index), { stamp, proven: Number(proven) });
  }
  return { backup, manifestSha256, bootId, time: Number(time), files };
}
