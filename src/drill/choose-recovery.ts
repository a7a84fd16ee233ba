import { toLarderError, type LarderError } from '../errors.ts';
import type { CommitRecord } from '../repository/commit-record.ts';
import { checkRecoveryLog } from '../restore/recovery/check-recovery-log.ts';
import type { WantedTarget } from '../restore/recovery/parse-target.ts';
import { planRecovery, type ChosenRecovery } from '../restore/recovery/plan-recovery.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { isDamage } from './candidates.ts';
import { planWholePart } from './whole-part.ts';

/** How a backup is recovered from. */
export interface DrillRecovery extends ChosenRecovery {
  /** What is wrong with the log behind the backup, so that it goes no further than to there. */
  readonly logDamage: LarderError | undefined;
}

export interface ChoiceContext {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void;
}

/**
 * Plans the way to the target, with every stored byte of the log on it checked. Where everything is wanted and the log is
 * damaged, as much of it as is whole is the newest point there is.
 * @param backup the one to begin with where `latest` cannot be told
 * @param id `latest`, or the id of `backup`
 * @throws LarderError as `planRecovery` and `checkRecoveryLog`
 */
export async function chooseRecovery(
  store: ObjectStore,
  {
    backup,
    id,
    wanted,
  }: { readonly backup: CommitRecord; readonly id: string; readonly wanted: WantedTarget },
  context: ChoiceContext,
): Promise<DrillRecovery> {
  let begun = backup;
  try {
    const chosen = await planRecovery(store, id, wanted);
    begun = chosen.backup;
    if (chosen.recovery !== undefined) await checkRecoveryLog(store, chosen.recovery, context);
    return { ...chosen, logDamage: undefined };
  } catch (thrown) {
    const logDamage = toLarderError(thrown);
    if (!isDamage(logDamage) || wanted.target.kind !== 'everything') throw logDamage;
    return { ...(await planWholePart(store, begun, context.signal)), logDamage };
  }
}
