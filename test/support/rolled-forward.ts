import { systemClock } from '../../src/clock.ts';
import { parseTarget, type TargetOptions } from '../../src/restore/recovery/parse-target.ts';
import { checkRecoveryLog } from '../../src/restore/recovery/check-recovery-log.ts';
import { planRecovery } from '../../src/restore/recovery/plan-recovery.ts';
import { startRestored, type Started } from '../../src/restore/start/start-restored.ts';
import { removeInstanceHome } from '../../src/postgres/server/instance-home.ts';
import {
  carryOut,
  makeCopyHome,
  planInto,
  startCopy,
  type Copy,
  type TestRepository,
} from './backup-runner.ts';

/** A copy that was rolled forward, proven, and runs. */
export interface RolledForward extends Copy {
  readonly proof: Started;
}

/** Restores to a target as `larder restore --start` does, and starts the proven copy for a look at it. */
export async function rollForward(
  repository: TestRepository,
  options: TargetOptions,
  id = 'latest',
): Promise<RolledForward> {
  const signal = new AbortController().signal;
  const { backup, recovery } = await planRecovery(
    repository.store,
    id,
    parseTarget(options, systemClock.now()),
  );
  const home = await makeCopyHome();
  try {
    const plan = await planInto(repository, backup, home.dataDirectory, { recovery });
    if (recovery !== undefined)
      await checkRecoveryLog(repository.store, recovery, { signal, onProgress: () => undefined });
    await carryOut(plan);
    const proof = await startRestored(plan, {
      owner: home.user,
      searchPath: undefined,
      clock: systemClock,
      signal,
      leave: 'stopped',
    });
    const copy = await startCopy(home, Math.floor(backup.serverVersionNumber / 10_000));
    return { ...copy, proof };
  } catch (error) {
    await removeInstanceHome(home);
    throw error;
  }
}
