import type { Logger } from 'pino';
import type { RunListener } from '../scheduler/run-events.ts';
import type { RunRecord } from '../scheduler/run-record.ts';

/** Logs the start and the end of every run. */
export function runLog(logger: Logger): RunListener {
  return {
    started: ({ id, cluster, task, reason }) =>
      logger.info({ run: id, cluster, task, reason }, 'run started'),
    retrying: ({ run: { id, cluster, task }, attempt, error, delay }) =>
      logger.warn(
        { run: id, cluster, task, attempt, errorCode: error.code, errorMessage: error.message, delay },
        'attempt failed, another one follows',
      ),
    ended: (run) => logEnd(logger, run),
  };
}

function logEnd(logger: Logger, run: RunRecord): void {
  const {
    id,
    process: { pid },
    ...rest
  } = run;
  const fields = { run: id, pid, ...rest };
  switch (run.result) {
    case 'failure':
    case 'timeout':
      logger.error(fields, 'run failed');
      break;
    case 'canceled':
    case 'interrupted':
      logger.warn(fields, 'run stopped before its end');
      break;
    case 'coalesced':
    case 'skipped':
      logger.info(fields, 'run not needed');
      break;
    case 'success':
    case undefined:
      if ((run.warnings ?? []).length > 0) logger.warn(fields, 'run succeeded with warnings');
      else logger.info(fields, 'run succeeded');
      break;
  }
}
