import { expect, test } from '@jest/globals';
import { createLogger } from '../../src/observability/logger.ts';
import { runLog } from '../../src/observability/run-log.ts';
import type { RunRecord } from '../../src/scheduler/run-record.ts';
import { aRun, anEndedRun } from '../support/run-records.ts';

function logged(run: RunRecord): Record<string, unknown> {
  const lines: string[] = [];
  const listener = runLog(createLogger('info', { write: (line) => void lines.push(line) }));
  if (run.result === undefined) listener.started?.(run);
  else listener.ended?.(run);
  return JSON.parse(lines.join('')) as Record<string, unknown>;
}

test('a run is told at its start and at its end, as loud as its result is bad', () => {
  expect(logged(aRun({ id: 'r1' }))).toMatchObject({
    level: 'info',
    run: 'r1',
    cluster: 'truck',
    msg: 'run started',
  });
  expect(logged(anEndedRun())).toMatchObject({ level: 'info', durationSeconds: 60, msg: 'run succeeded' });
  expect(logged(anEndedRun({ warnings: ['a page'] }))).toMatchObject({ level: 'warn', warnings: ['a page'] });
  expect(logged(anEndedRun({ result: 'interrupted' }))).toMatchObject({ level: 'warn' });
  const failed = anEndedRun({ result: 'failure', errorCode: 'REPOSITORY_FULL', hint: 'Make room.' });
  expect(logged(failed)).toMatchObject({ level: 'error', errorCode: 'REPOSITORY_FULL', hint: 'Make room.' });
});
