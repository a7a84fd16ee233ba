import { Command } from 'commander';
import { clusterParts, receiverRequest } from '../cluster-parts.ts';
import { readProcessIdentity } from '../process-identity.ts';
import type { SealRecord } from '../repository/wal/seal-record.ts';
import { sealLog } from '../transaction-log/seal.ts';
import { chooseCluster } from './choose-cluster.ts';
import { writeJson, type CliParts } from './cli-parts.ts';
import { formatBytes, plural } from '../format.ts';
import { noticeText } from './notice-text.ts';
import { formatPairs } from './table.ts';

/** Milliseconds: a segment of 1 GB takes a while on a slow line. */
const LIMIT = 10 * 60_000;

interface SealCommandOptions {
  readonly cluster?: string;
  readonly json?: true;
}

/** `larder wal seal`. */
export function walSealCommand(parts: CliParts): Command {
  return new Command('seal')
    .description('finish the present WAL segment, wait until it is stored, and check that nothing is missing')
    .option('--cluster <name>', 'which cluster, when the configuration describes several')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXAMPLES)
    .action((options: SealCommandOptions) => seal(parts, options));
}

const EXAMPLES = `
Where "larder wal receive" runs, it stores the segment; where it does not, this command receives what is missing.
The role needs: GRANT EXECUTE ON FUNCTION pg_switch_wal() TO larder;

Examples:
  $ larder wal seal
  $ larder wal seal --json | jq --raw-output .to`;

async function seal(parts: CliParts, options: SealCommandOptions): Promise<void> {
  const config = await parts.loadConfig();
  const cluster = chooseCluster(config, options.cluster);
  const { clock, signal, stdout } = parts;
  const { name, record } = await sealLog(
    receiverRequest(clusterParts(cluster), config.stateDirectory),
    {
      clock,
      signal,
      processIdentity: readProcessIdentity(),
      onNotice: (notice) => parts.stderr.write(noticeText(notice, clock.now())),
      onStatus: () => undefined,
    },
    { limit: LIMIT, larderVersion: parts.version },
  );
  if (options.json === true) writeJson(stdout, { name, ...record });
  else stdout.write(formatPairs([['record', name], ...facts(record)]));
}

function facts(record: SealRecord): (readonly [string, string])[] {
  return [
    ['timeline', String(record.timeline)],
    ['sealed', `${record.from} - ${record.to}`],
    ['holds', `${plural(record.segments, 'segment')}, ${formatBytes(record.bytes)} of WAL`],
    ['missing', 'nothing'],
  ];
}
