import { resolve } from 'node:path';
import { Command } from 'commander';
import { runLimits } from '../cluster-limits.ts';
import { proofRecords } from '../cluster-report.ts';
import type { DrillRequest } from '../drill/drill-request.ts';
import type { DrillTarget } from '../drill/drill-target.ts';
import { drillProblem } from '../drill/drill-words.ts';
import { runDrill } from '../drill/run-drill.ts';
import { missingFor, SCENARIOS, type Scenario } from '../drill/scenario.ts';
import { LarderError } from '../errors.ts';
import { drillJob } from '../jobs/drill.ts';
import { perTask } from '../jobs/job.ts';
import { nearestKey } from '../nearest-key.ts';
import { parseTarget, type TargetOptions } from '../restore/recovery/parse-target.ts';
import { RunHistory } from '../scheduler/history.ts';
import type { DrillReport } from '../verify/proof-report.ts';
import { recordProof } from '../report/record-proof.ts';
import { commandActor } from './audit-note.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { chooseDrill, type DrillChoice } from './drill-repository.ts';
import { drillText } from './drill-text.ts';
import { ProgressBar } from './progress-bar.ts';
import { runRecorded } from './run-recorded.ts';

interface DrillOptions extends Pick<TargetOptions, 'targetTime' | 'targetLsn' | 'targetXid' | 'exclusive'> {
  readonly random?: true;
  readonly scenario: string;
  readonly cluster?: string;
  readonly repository?: string;
  readonly scratch?: string;
  readonly json?: true;
}

/** `larder drill`. */
export function drillCommand(parts: CliParts): Command {
  return new Command('drill')
    .description('recover from the repository alone, time it, check the copy, and remove it again')
    .option('--target-time <time>', 'up to that time, as for restore; without a target, to the newest point')
    .option('--target-lsn <lsn>', 'up to that position of the log')
    .option('--target-xid <xid>', 'up to that transaction')
    .option('--exclusive', 'stop just before the target')
    .option('--random', 'up to some second of the recovery window')
    .option('--scenario <name>', `the disaster it is a drill of: ${SCENARIOS.slice(1).join(', ')}`, 'routine')
    .option(
      '--repository <repository>',
      'from this one: a cluster of the configuration, second-site, or a directory',
    )
    .option('--cluster <name>', 'which cluster, when the configuration describes several')
    .option('--scratch <dir>', 'where the copy is made; it needs room for the whole cluster')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', EXAMPLES)
    .action((options: DrillOptions) => drill(parts, options));
}

const EXAMPLES = `
It reads nothing but the repository, as a host would that has nothing else: neither the server nor the state directory. Where the
newest backup is damaged it falls back to an older one, and says so.

Examples:
  $ larder drill
  $ larder drill --random
  $ larder drill --scenario accidental_deletion --target-time '2026-11-22 09:59:00+01'
  $ larder drill --scenario repository_loss --repository second-site
  $ larder drill --scenario host_loss --repository /mnt/backups --scratch /var/tmp --json`;

async function drill(parts: CliParts, options: DrillOptions): Promise<void> {
  const target = chooseDrillTarget(options, parts.clock.now());
  const scenario = chooseScenario(options.scenario);
  const choice = await chooseDrill(parts, options);
  assertFits(scenario, target, choice);
  const request: DrillRequest = {
    ...choice.request,
    scenario,
    ...(target === undefined ? {} : { target }),
    ...(options.scratch === undefined ? {} : { scratch: [resolve(parts.workingDirectory, options.scratch)] }),
  };
  const report = await hold(parts, request, choice);
  if (options.json === true) writeJson(parts.stdout, report);
  else parts.stdout.write(drillText(report));
  const problem = drillProblem(report);
  if (problem !== undefined) throw problem;
}

/** Undefined where nothing is said of it. */
function chooseDrillTarget({ random, ...options }: DrillOptions, now: number): DrillTarget | undefined {
  const { targetTime, targetLsn, targetXid, exclusive } = options;
  const given = { targetTime, targetLsn, targetXid, exclusive };
  const named = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const { target } = parseTarget(named, now);
  if (random === undefined) return Object.keys(named).length === 0 ? undefined : (target as DrillTarget);
  if (Object.keys(named).length === 0) return { kind: 'random' };
  throw new LarderError('USAGE', '--random goes without a target', { hint: 'See "larder drill --help".' });
}

function chooseScenario(text: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario === text);
  if (found !== undefined) return found;
  const nearest = nearestKey(text, SCENARIOS);
  throw new LarderError('USAGE', `there is no scenario ${JSON.stringify(text)}`, {
    hint: nearest === undefined ? `There are ${SCENARIOS.join(', ')}.` : `Did you mean ${nearest}?`,
  });
}

function assertFits(scenario: Scenario, target: DrillTarget | undefined, { isPrimary }: DrillChoice): void {
  const missing = missingFor(scenario, {
    hasTarget: target !== undefined && target.kind !== 'random',
    isPrimary,
  });
  if (missing === undefined) return;
  throw new LarderError('USAGE', `a drill of ${scenario} needs more: ${missing}`, {
    hint: 'See "larder drill --help".',
  });
}

/** On record where there is a place for it; a host with nothing but the repository has none. */
async function hold(
  parts: CliParts,
  request: DrillRequest,
  { configured }: DrillChoice,
): Promise<DrillReport> {
  if (configured === undefined) return holdUnrecorded(parts, request);
  const { config, cluster } = configured;
  const { clock, stderr } = parts;
  const records = proofRecords(config, cluster.name, { actor: commandActor(), clock });
  let held: DrillReport | undefined;
  const job = drillJob({
    task: 'drill',
    request,
    clock,
    random: Math.random,
    onReport: async (report) => {
      held = report;
      const warnings = await recordProof(report, records);
      for (const warning of warnings) stderr.write(`warning: ${warning}\n`);
      return warnings;
    },
  });
  const limits = runLimits(cluster, clock.now());
  const { error } = await runRecorded(parts, job, {
    cluster: cluster.name,
    stateDirectory: config.stateDirectory,
    history: await RunHistory.open(config.stateDirectory, clock),
    limits: perTask((task) => ({ ...limits[task], retrySeconds: 0 })),
  });
  if (held !== undefined) return held;
  throw error ?? new LarderError('INTERNAL', 'the drill ended without a report');
}

async function holdUnrecorded(
  { clock, signal, stderr }: CliParts,
  request: DrillRequest,
): Promise<DrillReport> {
  const bar = new ProgressBar(stderr, clock);
  try {
    return await runDrill(request, {
      clock,
      random: Math.random,
      signal,
      onProgress: (progress) => bar.update(progress),
    });
  } finally {
    bar.clear();
  }
}
