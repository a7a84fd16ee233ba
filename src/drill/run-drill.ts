import { readCatalogue } from '../repository/catalogue.ts';
import { readArchiveState } from '../verify/archive-state.ts';
import { Phases } from '../verify/proof/phases.ts';
import type { DrillReport } from '../verify/proof-report.ts';
import type { RecoveryWindow } from '../verify/recovery-windows.ts';
import { assembleReport } from './assemble-report.ts';
import { findCandidates, type Candidates } from './candidates.ts';
import type { DrillContext, DrillRequest } from './drill-request.ts';
import { chooseTarget, type ChosenTarget } from './drill-target.ts';
import { lookAndRemove } from './look-at-copy.ts';
import { recover } from './recover.ts';

/**
 * Holds a drill: recovers from the repository alone, as on a host that has nothing else, measures how long that takes and how
 * much is lost, looks at the copy as a verification does, and removes it, whatever comes of it. It writes nothing into the
 * repository.
 * @returns the report, also of a drill that failed because no backup is whole
 * @throws LarderError what could not be carried out at all: no backups, a target out of reach, a store that does not answer, no
 *   binaries, no room; the signal's reason
 */
export async function runDrill(request: DrillRequest, context: DrillContext): Promise<DrillReport> {
  const { clock } = context;
  const began = { wall: clock.now(), monotonic: clock.monotonic() };
  const elapsed = (): number => (clock.monotonic() - began.monotonic) / 1000;
  const phases = new Phases(clock);
  const { target, candidates } = await phases.time('choose', () => choose(request, context));
  const recovered = await recover({ request, context, wanted: target.wanted, candidates, phases });
  const recoverySeconds = elapsed();
  const looked = await lookAndRemove(request, context, { recovered, phases, recoverySeconds });
  return assembleReport({
    request,
    target,
    began: began.wall,
    recovered,
    looked,
    phases: phases.all,
    seconds: elapsed(),
  });
}

async function choose(
  request: DrillRequest,
  context: DrillContext,
): Promise<{ readonly target: ChosenTarget; readonly candidates: Candidates }> {
  const target = chooseTarget(request.target, await windowsFor(request, context), context.random);
  const catalogue = await readCatalogue(request.store);
  return { target, candidates: findCandidates(catalogue, target.wanted.target) };
}

async function windowsFor(
  { store, target }: DrillRequest,
  { signal }: DrillContext,
): Promise<readonly RecoveryWindow[]> {
  if (target.kind !== 'random') return [];
  const state = await readArchiveState(store, { read: false, signal, onProgress: () => undefined });
  return state.archives.at(-1)?.windows ?? [];
}
