import { LarderError } from '../errors.ts';
import type { DrillReport } from '../verify/proof-report.ts';

/** What came of a drill, in one line. */
export function drillSummary(report: DrillReport): string {
  const { recoverySeconds, lostSeconds, backup, target, passedOver } = report;
  if (recoverySeconds === null) return `nothing could be recovered: ${passedOver.length} backups are damaged`;
  const lost = lostSeconds === null ? 'nobody can tell how much was lost' : `${rounded(lostSeconds)} s lost`;
  const older = passedOver.length === 0 ? '' : `; ${passedOver.length} damaged backups passed over`;
  return `recovered to ${target} from ${backup} in ${rounded(recoverySeconds)} s, ${lost}${older}`;
}

/** What makes a drill a failure; undefined for one that met everything. */
export function drillProblem(report: DrillReport): LarderError | undefined {
  const { verdict, checks, met, scenario } = report;
  if (verdict === 'failed') {
    const failed = checks.filter(({ result }) => result === 'failed');
    const first = failed[0]?.findings[0]?.message ?? failed[0]?.detail ?? 'nobody knows why';
    return new LarderError('VERIFICATION_FAILED', `the drill (${scenario}) failed: ${first}`, {
      hint: 'Take a new full backup now (larder backup --full), keep the older ones (larder hold), then look at the storage; the report names every check.',
    });
  }
  if (met) return undefined;
  return new LarderError(
    'OBJECTIVE_MISSED',
    `the drill (${scenario}) missed its objectives: ${misses(report).join('; ')}`,
    {
      hint: 'Back up more often or receive the log (RPO), restore faster or copy less (RTO), or change the objectives.',
    },
  );
}

function misses({ recoverySeconds, lostSeconds, objectives }: DrillReport): string[] {
  const { rtoSeconds, rpoSeconds } = objectives;
  const said: string[] = [];
  if (recoverySeconds !== null && recoverySeconds > rtoSeconds) {
    said.push(`recovery took ${rounded(recoverySeconds)} s, and ${rounded(rtoSeconds)} s are allowed`);
  }
  if (lostSeconds === null) said.push('nobody can tell how much was lost');
  else if (lostSeconds > rpoSeconds) {
    said.push(`${rounded(lostSeconds)} s were lost, and ${rounded(rpoSeconds)} s are allowed`);
  }
  return said;
}

function rounded(seconds: number): string {
  return seconds < 10 ? seconds.toFixed(1) : String(Math.round(seconds));
}
