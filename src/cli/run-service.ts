import type { Service } from '../assemble.ts';
import type { Part } from '../daemon.ts';
import { runDaemon } from '../daemon.ts';
import type { CliParts } from './cli-parts.ts';

/**
 * Runs the service until a signal, `last` started behind all its parts. Throws what a part that does not start throws, and
 * INTERRUPTED when the signal came before.
 */
export async function runService(parts: CliParts, service: Service, ...last: readonly Part[]): Promise<void> {
  parts.signal.throwIfAborted();
  const { clock, setExitCode } = parts;
  setExitCode(await runDaemon({ ...service, parts: [...service.parts, ...last], signals: process, clock }));
}
