import { createHash } from 'node:crypto';
import type { AuditTrail } from './audit-trail.ts';

/**
 * Notes that the service starts with another configuration than at its last start: a digest of every setting as
 * `larder config` shows it, secrets masked, so a changed password is no change here.
 */
export async function auditConfig(
  trail: AuditTrail,
  settings: readonly { readonly path: readonly string[]; readonly value: unknown }[],
): Promise<void> {
  const digest = createHash('sha256')
    .update(JSON.stringify(settings.map(({ path, value }) => [path, value])))
    .digest('hex');
  const { records } = await trail.read();
  const last = records.findLast(({ action }) => action === 'configure');
  if (last?.details['sha256'] === digest) return;
  await trail.add({
    actor: 'service',
    action: 'configure',
    subject: 'configuration',
    details: { sha256: digest, before: last?.details['sha256'] ?? null },
  });
}
