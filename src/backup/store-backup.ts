import { LarderError } from '../errors.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import type { StoredObject } from '../repository/frames/framed-object.ts';
import { backupPrefix, manifestName } from '../repository/layout.ts';
import { FrameAddresses } from '../repository/manifest/frame-addresses.ts';
import { writeManifest } from '../repository/manifest/manifest-writer.ts';
import type { DirectoryEntry, FileEntry } from '../repository/manifest/records.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { BackupContent } from './backup-content.ts';
import type { Run } from './backup-run.ts';
import { assertWalIncluded } from './completeness.ts';
import { describeBackup } from './describe-backup.ts';
import type { Intake } from './intake/intake.ts';
import { RESTORED_MARKER } from '../repository/restored-marker.ts';
import type { SourceOutcome } from './sources/source.ts';

/** What came of the source. */
export interface ReadBackup {
  readonly content: BackupContent;
  readonly intake: Intake;
  readonly outcome: SourceOutcome;
  readonly databases: CommitRecord['databases'];
}

/**
 * Makes all of a backup durable and checks that it is whole; what is left is the commit record.
 * @throws LarderError BACKUP_INCOMPLETE
 */
export async function storeBackup(run: Run, read: ReadBackup): Promise<CommitRecord> {
  const { request, identity, id } = run;
  const { content, outcome, intake } = read;
  const { start, receivedBytes: doneBytes } = content;
  if (start === undefined)
    throw new LarderError('BACKUP_INCOMPLETE', 'the server never named the start of the backup');
  const { storedBytes } = intake;
  run.onProgress({ phase: 'committing', doneBytes, totalBytes: doneBytes, storedBytes });
  const [stored, [serverManifest, fingerprint]] = await both(
    intake.finish(),
    both(content.finishServerManifest(), run.fingerprint.finish(request.store, id, outcome.stop.lsn)),
  );
  if (fingerprint.warning !== undefined) content.warning(fingerprint.warning);
  content.assertComplete();
  assertSameHistory(run, content);
  await run.account?.assertTold(start.lsn);
  const { walRanges } = serverManifest.summary;
  assertWalIncluded(walRanges, identity.walSegmentSize, (path) => content.sizeOf(path));
  content.completeDirectories(start.lsn);
  const entries = new CountedEntries(content.entries(new FrameAddresses(stored.frames)));
  const manifest = await writeManifest(request.store, manifestName(id), { ...stored, entries });
  const objects = [...stored.objects, manifest, serverManifest.object, ...fingerprint.objects];
  await assertStored(request.store, id, objects);
  return describeBackup({
    ...run,
    start,
    stop: outcome.stop,
    corruption: outcome.corruption,
    walRanges,
    content,
    sourceBytes: entries.bytes,
    databases: read.databases,
    objects,
  });
}

/** Waits for both also when one fails, since what fails is cleaned up: nothing may be written any more then. */
async function both<First, Second>(first: Promise<First>, second: Promise<Second>): Promise<[First, Second]> {
  await Promise.allSettled([first, second]);
  return [await first, await second];
}

/**
 * A data directory that was restored since the parent was taken has another history behind the same positions of the log.
 * Only the server's own account of changes is led astray by that: a comparison of contents is not.
 * @throws LarderError INCREMENTAL_REFUSED
 */
function assertSameHistory({ parent, account }: Run, content: BackupContent): void {
  if (parent === undefined || account === undefined) return;
  if (content.checksumOf(RESTORED_MARKER) === parent.files.get(RESTORED_MARKER)?.checksum) return;
  throw new LarderError(
    'INCREMENTAL_REFUSED',
    `the server's data directory was restored since ${parent.record.id}, or before it and not since`,
    { hint: 'Take a full backup: larder backup --full.' },
  );
}

/** Passes entries on, and adds up the sizes of the files. */
class CountedEntries implements Iterable<FileEntry | DirectoryEntry> {
  readonly #entries: Iterable<FileEntry | DirectoryEntry>;
  bytes = 0;

  constructor(entries: Iterable<FileEntry | DirectoryEntry>) {
    this.#entries = entries;
  }

  *[Symbol.iterator](): Generator<FileEntry | DirectoryEntry> {
    for (const entry of this.#entries) {
      if (entry.kind === 'file') this.bytes += entry.size;
      yield entry;
    }
  }
}

/**
 * Lists the backup's objects again and finds each with its size.
 * @throws LarderError BACKUP_INCOMPLETE
 */
async function assertStored(store: ObjectStore, id: string, objects: readonly StoredObject[]): Promise<void> {
  const stored = new Map<string, number>();
  for await (const object of store.list(backupPrefix(id))) stored.set(object.name, object.size);
  for (const { name, size } of objects) {
    const found = stored.get(name);
    if (found === size) continue;
    throw new LarderError(
      'BACKUP_INCOMPLETE',
      `${name} was stored with ${size} bytes and ${store.description} now ${found === undefined ? 'has no such object' : `says ${found}`}`,
      {
        hint: 'Something else removes or changes files there: another program, a lifecycle rule, a failing disk.',
      },
    );
  }
}
