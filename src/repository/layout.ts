/**
 * Every name of a stored object, in one place (docs/design.md, section 3). Names are built here from parts that were
 * checked; nothing outside joins strings into a name.
 */
export type BackupType = 'full' | 'incremental';

export const REPOSITORY_FILE = 'repository.json';

export interface BackupId {
  readonly type: BackupType;
  /** The configured name of the cluster. */
  readonly cluster: string;
  /** When it began, milliseconds since 1970 UTC, whole seconds. */
  readonly started: number;
}

const CLUSTER_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/i;
const BACKUP_ID = /^(full|incremental)_backup_([A-Za-z0-9][A-Za-z0-9_-]{0,62})_(\d{8})_(\d{6})$/;

/** Whether a configured name can be part of a backup's id. */
export function isClusterName(name: string): boolean {
  return CLUSTER_NAME.test(name);
}

/** `full_backup_truck_20261122_020000`, in UTC. */
export function formatBackupId(id: BackupId): string {
  return `${id.type}_backup_${id.cluster}_${secondName(id.started)}`;
}

/** `20261122_020000`, in UTC. */
function secondName(time: number): string {
  const [day = '', clock = ''] = new Date(time).toISOString().replace(/[-:]/g, '').split('T');
  return `${day}_${clock.slice(0, 6)}`;
}

/** Reads an id; `undefined` for any other text, also for a date that does not exist. */
export function parseBackupId(text: string): BackupId | undefined {
  const match = BACKUP_ID.exec(text);
  if (match?.[2] === undefined || match[3] === undefined || match[4] === undefined) return undefined;
  const iso = `${match[3]}T${match[4]}`.replace(/(....)(..)(..)T(..)(..)(..)/, '$1-$2-$3T$4:$5:$6Z');
  const id: BackupId = { type: match[1] as BackupType, cluster: match[2], started: Date.parse(iso) };
  return Number.isNaN(id.started) || formatBackupId(id) !== text ? undefined : id;
}

/** Every object of a backup begins with one of these. */
export const BACKUP_PREFIXES = ['full_backup_', 'incremental_backup_'] as const;

/** All objects of one backup begin with this. */
export function backupPrefix(backupId: string): string {
  return `${backupId}/`;
}

/** Packs are numbered from 1; five digits, more when they are needed. */
export function packName(backupId: string, number: number): string {
  return `${backupId}/data-${String(number).padStart(5, '0')}.pack`;
}

export function manifestName(backupId: string): string {
  return `${backupId}/manifest`;
}

/** The server's own `backup_manifest`, byte for byte inside frames: an incremental backup has to send it back. */
export function serverManifestName(backupId: string): string {
  return `${backupId}/backup_manifest`;
}

/** Hashes of the block units of the files, from servers that cannot tell themselves what changed. */
export function blockHashesName(backupId: string): string {
  return `${backupId}/block_hashes`;
}

/** What the cluster held: schemas, definitions, rows. Not needed to restore; older backups have none. */
export function fingerprintName(backupId: string): string {
  return `${backupId}/fingerprint`;
}

/** The commit record: a backup exists if and only if this object does. */
export function commitRecordName(backupId: string): string {
  return `${backupId}/${backupId}.meta`;
}

/** The backup whose commit record this name is; `undefined` for any other object. */
export function backupOfCommitRecord(name: string): string | undefined {
  const [directory = '', file, ...rest] = name.split('/');
  if (rest.length > 0 || file !== `${directory}.meta`) return undefined;
  return parseBackupId(directory) === undefined ? undefined : directory;
}

/** The backup to whose directory an object belongs; `undefined` for objects of anything else. */
export function backupOfObject(name: string): string | undefined {
  const directory = name.split('/')[0] ?? '';
  return parseBackupId(directory) === undefined ? undefined : directory;
}

/** How a proof came out: the word in the name of its record says it, so that a listing is enough to judge by. */
export type ProofResult = 'verified' | 'quarantined';

/** One of the records of proofs of a backup. */
export interface ProofRecordName {
  readonly backup: string;
  readonly result: ProofResult;
  /** From 1 on, over both results: the highest one counts. */
  readonly number: number;
}

/**
 * The record of one proof of a backup; written into the backup's own directory, and removed with it. Never written twice: each
 * proof has a number of its own, the first one none in its name.
 */
export function proofRecordName({ backup, result, number }: ProofRecordName): string {
  return `${backup}/${backup}.${result}${number === 1 ? '' : `_${number}`}`;
}

/** The proof whose record this name is of; `undefined` for any other object. */
export function parseProofRecordName(name: string): ProofRecordName | undefined {
  const backup = backupOfObject(name);
  const [, result, digits = '1'] = /\.(verified|quarantined)(?:_([1-9]\d{0,8}))?$/.exec(name) ?? [];
  if (backup === undefined || result === undefined) return undefined;
  const parsed = { backup, result: result as ProofResult, number: Number(digits) };
  return proofRecordName(parsed) === name ? parsed : undefined;
}

/** Every hold and every release of one begins with this. */
export const HOLDS_PREFIX = 'holds/';
const RELEASED = '.released';

/** A hold on a backup: named after the second it was placed in. */
export function holdName(backupId: string, placed: number): string {
  return `${HOLDS_PREFIX}${backupId}.hold_${secondName(placed)}`;
}

/** The release of a hold stands beside it: neither is ever overwritten or removed. */
export function releaseName(hold: string): string {
  return `${hold}${RELEASED}`;
}

/** What an object below `holds/` is; `undefined` for a name that is none of ours. */
export function parseHoldName(
  name: string,
): { readonly hold: string; readonly backup: string; readonly released: boolean } | undefined {
  const [, hold = '', backup = '', released] =
    /^(holds\/(.+)\.hold_\d{8}_\d{6})(\.released)?$/.exec(name) ?? [];
  return parseBackupId(backup) === undefined ? undefined : { hold, backup, released: released === RELEASED };
}

/** Every mark of what retention is going to remove begins with this. */
export const EXPIRED_PREFIX = 'retention/';

export function expiredBackupName(backupId: string): string {
  return `${EXPIRED_PREFIX}${backupId}.expired`;
}

/** Of the log of one timeline, everything before a position. */
export interface ExpiredLog {
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly before: bigint;
}

export function expiredLogName({ systemIdentifier, timeline, before }: ExpiredLog): string {
  return `${EXPIRED_PREFIX}${systemIdentifier}_${hex(timeline, 8)}_${hex(before, 16)}.expired`;
}

/** What a mark is of; `undefined` for a name that is none of ours. */
export function parseExpiredName(name: string): string | ExpiredLog | undefined {
  const backup = /^retention\/(.+)\.expired$/.exec(name)?.[1];
  if (backup !== undefined && parseBackupId(backup) !== undefined) return backup;
  const log = /^(\d+)_([0-9A-F]{8})_([0-9A-F]{16})$/.exec(backup ?? '');
  if (log?.[1] === undefined) return undefined;
  return {
    systemIdentifier: log[1],
    timeline: Number.parseInt(log[2] ?? '', 16),
    before: BigInt(`0x${log[3] ?? ''}`),
  };
}

function hex(value: number | bigint, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}
