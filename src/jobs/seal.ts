import type { Clock } from '../clock.ts';
import type { ProcessIdentity } from '../process-identity.ts';
import type { ReceiverNotice, ReceiverRequest } from '../transaction-log/receiver-request.ts';
import { sealLog } from '../transaction-log/seal.ts';
import type { Job } from './job.ts';

export interface SealJobParts {
  readonly request: ReceiverRequest;
  /** Milliseconds until what the server has must be stored. */
  readonly limit: number;
  readonly larderVersion: string;
  readonly clock: Clock;
  readonly processIdentity: ProcessIdentity;
  readonly onNotice: (notice: ReceiverNotice) => void;
}

/** Seals the transaction log. Rejects as `sealLog`. */
export function sealJob({ request, limit, larderVersion, ...context }: SealJobParts): Job {
  return {
    task: 'transaction_log',
    run: async ({ signal }) => {
      const { record } = await sealLog(
        request,
        { ...context, signal, onStatus: () => undefined },
        { limit, larderVersion },
      );
      return { warnings: [], sourceBytes: record.bytes, remark: `sealed up to ${record.to}` };
    },
  };
}
