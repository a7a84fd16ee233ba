import { Command } from 'commander';
import { clusterParts, type ClusterParts } from '../cluster-parts.ts';
import { LarderError, toLarderError } from '../errors.ts';
import { retentionJob } from '../jobs/retention.ts';
import { readProcessIdentity } from '../process-identity.ts';
import { pruneRequest } from '../prune-request.ts';
import { openRepository } from '../repository/repository.ts';
import type { PruneRequest, PruneResult } from '../retention/prune.ts';
import { viewPlan } from '../retention/plan-view.ts';
import { readRetentionState } from '../retention/read-facts.ts';
import { planRetention } from '../retention/retention-plan.ts';
import { perTask } from '../jobs/job.ts';
import { runLimits } from '../cluster-limits.ts';
import { RunHistory } from '../scheduler/history.ts';
import { chooseCluster } from './choose-cluster.ts';
import { noteInTrail } from './audit-note.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { planText, resultJson, resultText } from './prune-text.ts';
import { runRecorded } from './run-recorded.ts';

interface PruneOptions {
  readonly cluster?: string;
  readonly dryRun?: true;
  readonly withoutServer?: true;
  readonly json?: true;
}

/** `larder prune`. */
export function pruneCommand(parts: CliParts): Command {
  return new Command('prune')
    .description(
      'remove what the retention policy does not keep and an earlier run has marked; mark the rest',
    )
    .option('--dry-run', 'show of each backup whether it is kept, and why; nothing is marked or removed')
    .option(
      '--without-server',
      'trust the clock of this machine where the server cannot be asked for its own',
    )
    .option('--cluster <name>', 'which cluster, when the configuration describes several')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXAMPLES)
    .action((options: PruneOptions) => run(parts, options));
}

const EXAMPLES = `
What is to go is marked first, and removed by the first run that comes at least LARDER_RETENTION_GRACE later: until then
"larder hold" keeps it. Nothing is removed while the newest backup failed or the clocks are more than five minutes apart.

Examples:
  $ larder prune --dry-run
  $ larder prune
  $ larder prune --dry-run --json | jq '.backups[] | select(.keep | not) | .id'`;

async function run(parts: CliParts, options: PruneOptions): Promise<void> {
  const config = await parts.loadConfig();
  const cluster = clusterParts(chooseCluster(config, options.cluster));
  if (options.dryRun === true) {
    await showPlan(parts, cluster, options);
    return;
  }
  const history = await RunHistory.open(config.stateDirectory, parts.clock);
  const request = pruneRequest(cluster, { history, clock: parts.clock });
  let result: PruneResult | undefined;
  const job = retentionJob({
    request: { ...request, clockSkew: clockSkewOf(request, options) },
    clock: parts.clock,
    processIdentity: readProcessIdentity(),
    onResult: (done) => (result = done),
  });
  const limits = runLimits(cluster.config, parts.clock.now());
  const { error } = await runRecorded(parts, job, {
    cluster: cluster.config.name,
    stateDirectory: config.stateDirectory,
    history,
    limits: perTask((task) => ({ ...limits[task], retrySeconds: 0 })),
  });
  if (error !== undefined) throw error;
  if (result === undefined) return;
  for (const id of result.removedBackups)
    await noteInTrail(parts, { action: 'delete', subject: id, details: { by: 'retention' } });
  if (options.json === true) writeJson(parts.stdout, resultJson(result));
  else parts.stdout.write(resultText(result, cluster.config.retention));
}

/** Of the server that answers the clock counts, also where the user would do without. */
function clockSkewOf(
  { clockSkew }: PruneRequest,
  { withoutServer }: PruneOptions,
): PruneRequest['clockSkew'] {
  return async (signal) => {
    try {
      return await clockSkew(signal);
    } catch (thrown) {
      signal.throwIfAborted();
      if (withoutServer === true) return undefined;
      const { code, message } = toLarderError(thrown);
      throw new LarderError(
        code,
        `nothing was removed, since the server's clock cannot be asked for: ${message}`,
        {
          hint: 'Where the server is gone for good and the clock of this machine is right: --without-server.',
          cause: thrown,
        },
      );
    }
  };
}

async function showPlan(
  { clock, stdout }: CliParts,
  { store, location, config }: ClusterParts,
  { json }: PruneOptions,
): Promise<void> {
  await openRepository(store, location);
  const now = clock.now();
  const { facts, marks } = await readRetentionState(store, now);
  const shown = { plan: planRetention(facts, config.retention, now), marks, policy: config.retention };
  if (json === true) writeJson(stdout, viewPlan(shown));
  else stdout.write(planText(shown));
}
