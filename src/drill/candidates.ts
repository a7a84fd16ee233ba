import type { ErrorCode, LarderError } from '../errors.ts';
import { parseLsn } from '../postgres/lsn.ts';
import type { Catalogue } from '../repository/catalogue.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import { parseBackupId } from '../repository/layout.ts';
import type { WantedTarget } from '../restore/recovery/parse-target.ts';
import type { PassedOver } from '../verify/proof-report.ts';

/** The backups that a drill may begin with. */
export interface Candidates {
  /** Complete, of the newest one's cluster, and over before the target; newest first. */
  readonly backups: readonly CommitRecord[];
  /** What the first of them is asked for by: `latest`, where that cannot mean another. */
  readonly firstId: string | undefined;
  /** Newer than all of them, and not to be read. */
  readonly unreadable: readonly PassedOver[];
  /** What a reader should know of those that were left out, in words. */
  readonly remarks: readonly string[];
}

/**
 * What can be begun with. Somebody who restores by hand decides whether an older backup will do where the newest one cannot be
 * read; a drill takes it, and says so.
 */
export function findCandidates(
  { backups, unreadable, proofs }: Catalogue,
  target: WantedTarget['target'],
): Candidates {
  const isQuarantined = ({ id }: CommitRecord): boolean => proofs.get(id) === 'quarantined';
  const good = backups.filter((backup) => backup.state === 'complete' && !isQuarantined(backup));
  const lineage = good.at(-1)?.systemIdentifier;
  const usable = good.filter((backup) => backup.systemIdentifier === lineage && isOverBefore(backup, target));
  const first = usable.at(-1);
  const isNewer = (started: number): boolean => first === undefined || started > Date.parse(first.startTime);
  const lost = unreadable.filter(({ id }) => isNewer(parseBackupId(id)?.started ?? 0));
  const leftOut = backups.filter((backup) => !good.includes(backup) && isNewer(Date.parse(backup.startTime)));
  return {
    backups: usable.toReversed(),
    firstId: lost.length === 0 && !leftOut.some(isQuarantined) ? 'latest' : first?.id,
    unreadable: lost.map(({ id, problem }) => passedOver(id, problem)).reverse(),
    remarks: leftOut.map((backup) =>
      isQuarantined(backup)
        ? `${backup.id} is newer, but a verification found that it is not sound`
        : `${backup.id} is newer, but the server had damaged pages when it was taken`,
    ),
  };
}

function isOverBefore({ endTime, stopLsn }: CommitRecord, target: WantedTarget['target']): boolean {
  switch (target.kind) {
    case 'time':
      return BigInt(Date.parse(endTime)) * 1000n <= target.time;
    case 'lsn':
      return (parseLsn(stopLsn) ?? 0n) <= target.lsn;
    default:
      return true;
  }
}

/** The one to go on with when `failed` could not be recovered from; undefined when there is no other. */
export function olderThan({ backups }: Candidates, failed: CommitRecord): CommitRecord | undefined {
  return backups.find(({ startTime }) => startTime < failed.startTime);
}

export function passedOver(backup: string, { code, message }: LarderError): PassedOver {
  return { backup, code, message };
}

const DAMAGE: ReadonlySet<ErrorCode> = new Set(['OBJECT_DAMAGED', 'OBJECT_MISSING', 'WAL_GAP']);

/** Whether an error says that something stored is not what it was; anything else proves nothing about the backup. */
export function isDamage({ code }: LarderError): boolean {
  return DAMAGE.has(code);
}
