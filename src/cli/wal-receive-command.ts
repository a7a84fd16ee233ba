import { Command } from 'commander';
import { clusterParts, receiverRequest } from '../cluster-parts.ts';
import { readProcessIdentity } from '../process-identity.ts';
import { receiveWal } from '../transaction-log/receiver.ts';
import { chooseCluster } from './choose-cluster.ts';
import type { CliParts } from './cli-parts.ts';
import { noticeText } from './notice-text.ts';

/** `larder wal receive`. */
export function walReceiveCommand(parts: CliParts): Command {
  return new Command('receive')
    .description('receive WAL from the server until it is stopped, and store it')
    .option('--cluster <name>', 'which cluster, when the configuration describes several')
    .addHelpText('after', EXAMPLES)
    .action((options: { readonly cluster?: string }) => receive(parts, options.cluster));
}

const EXAMPLES = `
It makes a replication slot named after the repository, and tells the server that WAL is safe once it is on the local
disk (transaction-log.ack: spool) or in the repository (ack: repository). Ctrl-C ends it; what was received is kept.

Examples:
  $ larder wal receive
  $ LARDER_WAL_TAIL_INTERVAL=5s larder wal receive
  $ psql -c "ALTER SYSTEM SET synchronous_standby_names = 'larder'" -c 'SELECT pg_reload_conf()'   # lose no commit`;

async function receive(parts: CliParts, name: string | undefined): Promise<void> {
  const config = await parts.loadConfig();
  const cluster = chooseCluster(config, name);
  const { clock, signal } = parts;
  await receiveWal(receiverRequest(clusterParts(cluster), config.stateDirectory), {
    clock,
    signal,
    processIdentity: readProcessIdentity(),
    onNotice: (notice) => parts.stderr.write(noticeText(notice, clock.now())),
    onStatus: () => undefined,
  });
}
