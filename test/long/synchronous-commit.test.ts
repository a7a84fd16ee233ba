import { expect, test } from '@jest/globals';
import { killUnderSynchronousLoad } from '../support/kills/synchronous-kills.ts';

test('no acknowledged commit is lost in 100 kills of the receiver and 20 of the server', async () => {
  const report = await killUnderSynchronousLoad({ receiverKills: 100, serverKills: 20 });
  process.stderr.write(
    `SIGKILL under synchronous load: ${report.acknowledged} commits acknowledged, ${report.lost.length} lost\n`,
  );
  expect(report.lost).toEqual([]);
}, 900_000);
