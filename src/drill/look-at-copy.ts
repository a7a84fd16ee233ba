import { checkCopy, checkServerLog, type CheckedCopy } from '../verify/proof/check-copy.ts';
import { checkStopped } from '../verify/proof/check-stopped-copy.ts';
import type { Phases } from '../verify/proof/phases.ts';
import type { RunningCopy } from '../verify/proof/start-copy.ts';
import { checkApplication, type ApplicationResult } from './application-check.ts';
import type { DrillContext, DrillRequest } from './drill-request.ts';
import type { Recovered } from './recover.ts';

/** What was found out of a copy that came up. */
export interface Looked extends CheckedCopy {
  readonly application: ApplicationResult | undefined;
  /** From the first step of the drill until the copy answered. */
  readonly recoverySeconds: number;
}

interface Found {
  readonly recovered: Recovered;
  readonly phases: Phases;
  readonly recoverySeconds: number;
}

/**
 * Looks at the copy as a verification does, lets the application try it, and removes it. Undefined where nothing came up.
 * @throws LarderError INSTANCE_FAILED when this host keeps it from being looked at; the signal's reason
 */
export async function lookAndRemove(
  request: DrillRequest,
  context: DrillContext,
  { recovered, phases, recoverySeconds }: Found,
): Promise<Looked | undefined> {
  if (recovered.copy === undefined) return undefined;
  await using copy = recovered.copy;
  const { running } = copy;
  const checked = await phases.time('check', () => check(running, request, { recovered, context }));
  // before the application, whose own mistakes stand in the log too, and which may write
  const log = await checkServerLog(running, context.clock);
  const application = await phases.time('application', () => tryApplication(running, request, context));
  await running.stop();
  const pages = await phases.time('pages', () =>
    checkStopped(running, { backup: recovered.backup, workers: request.workers }, context),
  );
  return { ...checked, checks: [...checked.checks, log, pages], application, recoverySeconds };
}

interface Checking {
  readonly recovered: Recovered;
  readonly context: DrillContext;
}

function check(
  running: RunningCopy,
  { userChecks, concurrency }: DrillRequest,
  { recovered: { backup, recovery }, context: { clock, signal, onProgress } }: Checking,
): Promise<CheckedCopy> {
  return checkCopy(
    running,
    { level: 'restore', backup, userChecks, concurrency, rolledForward: recovery.recovery !== undefined },
    { clock, signal, onProgress: (done) => onProgress({ phase: 'checking', ...done }) },
  );
}

async function tryApplication(
  { connection }: RunningCopy,
  { application, binaries }: DrillRequest,
  { clock, signal }: DrillContext,
): Promise<ApplicationResult | undefined> {
  if (application === undefined) return undefined;
  return checkApplication(application, { connection, searchPath: binaries.searchPath, clock, signal });
}
