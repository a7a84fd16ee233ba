import { existsSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../src/clock.ts';
import type { LarderError } from '../../../src/errors.ts';
import type { InstanceHome } from '../../../src/postgres/server/instance-home.ts';
import { removeInstanceHome } from '../../../src/postgres/server/instance-home.ts';
import type { RestorePlan } from '../../../src/restore/plan.ts';
import { checkRecoveryLog } from '../../../src/restore/recovery/check-recovery-log.ts';
import { parseTarget } from '../../../src/restore/recovery/parse-target.ts';
import { planRecovery } from '../../../src/restore/recovery/plan-recovery.ts';
import { startRestored } from '../../../src/restore/start/start-restored.ts';
import { carryOut, failureOf, makeCopyHome, planInto, repositoryAt, startCopy } from '../backup-runner.ts';
import { until } from '../until.ts';
import type { DamagedLogBed } from './damaged-log-bed.ts';
import { damage } from './damages.ts';
import type { DamageCase } from './damage-matrix.ts';

/** A restore to the end of the archive, carried out but not started; its repository may be damaged. */
interface Restored {
  readonly repository: string;
  readonly home: InstanceHome;
  readonly plan: RestorePlan;
}

/** How a restore ended whose log was damaged behind its plan. */
export interface LateEnding {
  readonly error: LarderError;
  /** PostgreSQL removes recovery.signal only when it promotes. */
  readonly promoted: boolean;
}

/** Damages an object once everything was planned, checked and restored, and then has `--start` prove the copy. */
export async function damageBeforeStart(
  bed: DamagedLogBed,
  directory: string,
  { object, how }: DamageCase,
): Promise<LateEnding> {
  return withRestored(bed, directory, async (restored) => {
    await damage(join(restored.repository, object), how);
    return endingOf(restored, prove(restored));
  });
}

/** The same once the restored server is being fed: the object is needed last. */
export async function damageDuringReplay(
  bed: DamagedLogBed,
  directory: string,
  { object, how }: DamageCase,
): Promise<LateEnding> {
  return withRestored(bed, directory, async (restored) => {
    const proving = prove(restored);
    const ending = endingOf(restored, proving);
    await until(() => existsSync(join(restored.home.dataDirectory, 'pg_wal/larder_fetch/server')));
    await damage(join(restored.repository, object), how);
    return ending;
  });
}

/** The same for a copy that is started by hand, whose restore_command reads the repository. */
export async function damageBeforeHandStart(
  bed: DamagedLogBed,
  directory: string,
  { object, how }: DamageCase,
): Promise<LateEnding> {
  return withRestored(bed, directory, async (restored) => {
    await damage(join(restored.repository, object), how);
    const major = Math.floor(bed.backup.serverVersionNumber / 10_000);
    const starting = startCopy(restored.home, major, { hot_standby: 'off' }).then((copy) =>
      copy[Symbol.asyncDispose](),
    );
    return endingOf(restored, starting);
  });
}

async function withRestored<T>(
  bed: DamagedLogBed,
  directory: string,
  work: (restored: Restored) => Promise<T>,
): Promise<T> {
  const repository = join(directory, 'late');
  await cp(bed.repository.location.directory, repository, { recursive: true });
  const home = await makeCopyHome();
  try {
    return await work({ repository, home, plan: await restore(repository, home) });
  } finally {
    await rm(repository, { recursive: true, force: true });
    await removeInstanceHome(home);
  }
}

async function restore(directory: string, home: InstanceHome): Promise<RestorePlan> {
  const repository = repositoryAt(directory);
  const wanted = parseTarget({}, systemClock.now());
  const { backup, recovery } = await planRecovery(repository.store, 'latest', wanted);
  if (recovery === undefined) throw new Error('nothing is to be replayed');
  const { signal } = new AbortController();
  await checkRecoveryLog(repository.store, recovery, { signal, onProgress: () => undefined });
  const plan = await planInto(repository, backup, home.dataDirectory, { recovery });
  await carryOut(plan);
  return plan;
}

async function prove({ plan, home }: Restored): Promise<void> {
  const { signal } = new AbortController();
  const options = { owner: home.user, searchPath: undefined, clock: systemClock, signal };
  await startRestored(plan, { ...options, leave: 'stopped' });
}

async function endingOf({ home }: Restored, ending: Promise<void>): Promise<LateEnding> {
  const error = await failureOf(ending);
  return { error, promoted: !existsSync(join(home.dataDirectory, 'recovery.signal')) };
}
