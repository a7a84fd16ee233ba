import type { DrillReport } from '../../../src/verify/proof-report.ts';
import { larder } from '../larder-command.ts';

/** What `larder drill --json` said. */
export interface HeldDrill {
  readonly code: number | null;
  readonly stderr: string;
  readonly report: DrillReport;
}

/** Holds a drill: as on a fresh host, where the environment has nothing but PATH, unless one is given. */
export async function holdDrill(
  args: readonly string[],
  scratch: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<HeldDrill> {
  const command = ['drill', ...args, '--scratch', scratch, '--json'];
  const { code, stdout, stderr } = await larder(command, environment, '/');
  if (stdout === '') throw new Error(`the drill made no report (exit ${code}):\n${stderr}`);
  const report = JSON.parse(stdout) as DrillReport;
  process.stderr.write(`${measured(report)}\n`);
  return { code, stderr, report };
}

/** The measured recovery time and point, for whoever reads the output of the tests. */
function measured({ scenario, recoverySeconds, recoveredTo, lostSeconds, passedOver }: DrillReport): string {
  const rto = recoverySeconds === null ? 'none' : `${recoverySeconds.toFixed(1)} s`;
  const lost = lostSeconds === null ? 'nobody can tell' : `${lostSeconds.toFixed(1)} s`;
  return `drill ${scenario}: RTO ${rto}, recovery point ${recoveredTo ?? 'unknown'}, lost ${lost}, ${passedOver.length} damaged backups passed over`;
}
