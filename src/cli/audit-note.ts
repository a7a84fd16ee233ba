import type { AuditEntry } from '../audit/audit-record.ts';
import { AuditTrail } from '../audit/audit-trail.ts';
import { toLarderError } from '../errors.ts';
import type { CliParts } from './cli-parts.ts';
import { whoAmI } from './person.ts';

/** Who gave this command, as the trail names them. */
export function commandActor(): string {
  return `user:${whoAmI().user}`;
}

/**
 * Writes what this command did into the audit trail. What was done is not undone because it could not be noted: the disk that the trail
 * lies on may be the one that died. A host with nothing but the repository has no configuration, and no trail.
 */
export async function noteInTrail(
  parts: Pick<CliParts, 'loadConfig' | 'clock' | 'stderr'>,
  entry: Omit<AuditEntry, 'time' | 'actor'>,
): Promise<void> {
  const config = await parts.loadConfig().catch(() => undefined);
  if (config === undefined) return;
  await new AuditTrail(config.stateDirectory, parts.clock)
    .add({ actor: commandActor(), ...entry })
    .catch((error: unknown) => parts.stderr.write(`warning: ${toLarderError(error).message}\n`));
}
