import { Command } from 'commander';
import type { CliParts } from './cli-parts.ts';
import { walReceiveCommand } from './wal-receive-command.ts';
import { walSealCommand } from './wal-seal-command.ts';
import { walStatusCommand } from './wal-status-command.ts';

/** `larder wal`, and what stands below it. */
export function walCommand(parts: CliParts): Command {
  const command = new Command('wal').description('keep and inspect the transaction log');
  for (const create of [walReceiveCommand, walStatusCommand, walSealCommand])
    command.addCommand(create(parts));
  return command;
}
