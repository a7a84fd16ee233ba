import { mkdir, open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { LarderError, systemErrorCode } from '../errors.ts';
import {
  decodeAuditRecord,
  encodeAuditRecord,
  NO_RECORDS,
  type AuditEntry,
  type AuditHead,
} from './audit-record.ts';
import { withAuditLock } from './audit-lock.ts';
import { readTrail, type AuditReading } from './read-trail.ts';

const FILE = 'audit.jsonl';

/**
 * Who did what, in `audit.jsonl` of the state directory: lines are only ever appended, each holds the hash of the one before it.
 * Commands and the service append at the same time; a lock file keeps the chain one.
 */
export class AuditTrail {
  readonly #directory: string;
  readonly #clock: Clock;

  constructor(stateDirectory: string, clock: Clock) {
    this.#directory = stateDirectory;
    this.#clock = clock;
  }

  get path(): string {
    return join(this.#directory, FILE);
  }

  /**
   * Appends one entry; resolves when it is on the disk.
   * @returns the new head
   * @throws LarderError STATE_NOT_WRITABLE
   */
  async add(entry: Omit<AuditEntry, 'time'>): Promise<AuditHead> {
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      return await withAuditLock(this.#directory, this.#clock, () =>
        this.#append({ time: this.#clock.now(), ...entry }),
      );
    } catch (error) {
      if (error instanceof LarderError) throw error;
      throw notWritable(this.path, error);
    }
  }

  /** Everything there is, checked. Throws STATE_NOT_WRITABLE when it cannot be read. */
  async read(): Promise<AuditReading> {
    try {
      return readTrail(await readFile(this.path, 'utf8'));
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return readTrail('');
      throw notWritable(this.path, error);
    }
  }

  async #append(entry: AuditEntry): Promise<AuditHead> {
    const file = await open(this.path, 'a+', 0o600);
    try {
      const end = await readEnd(file);
      const found = end.text
        .split('\n')
        .map(decodeAuditRecord)
        .findLast((record) => record !== undefined);
      // a longer stretch without any record was not left by a crash: the whole file tells
      const before = found ?? (end.isWhole ? NO_RECORDS : (await this.read()).head);
      const { line, head } = encodeAuditRecord(entry, before);
      // half a line that a crash or a full disk left must not swallow this one
      const start = end.text === '' || end.text.endsWith('\n') ? '' : '\n';
      await file.appendFile(`${start}${line}\n`);
      await file.sync();
      return head;
    } finally {
      await file.close();
    }
  }
}

/** Longer than any record. */
const END_LENGTH = 64 * 1024;

async function readEnd(file: FileHandle): Promise<{ readonly text: string; readonly isWhole: boolean }> {
  const { size } = await file.stat();
  const length = Math.min(size, END_LENGTH);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
  return { text: buffer.toString('utf8', 0, bytesRead), isWhole: length === size };
}

function notWritable(path: string, cause: unknown): LarderError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LarderError('STATE_NOT_WRITABLE', `the audit trail ${path} cannot be used: ${why}`, {
    hint: 'Give Larder a state directory that it owns, on a disk with free space (LARDER_STATE_DIR).',
    cause,
  });
}
