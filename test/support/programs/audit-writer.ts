import { AuditTrail } from '../../../src/audit/audit-trail.ts';
import { systemClock } from '../../../src/clock.ts';

/** Appends so many entries to the audit trail of a state directory. */
const [directory = '', count = '0'] = process.argv.slice(2);
const trail = new AuditTrail(directory, systemClock);
for (let i = 0; i < Number(count); i++) {
  await trail.add({ actor: `user:${process.pid}`, action: 'run', subject: String(i), details: {} });
}
