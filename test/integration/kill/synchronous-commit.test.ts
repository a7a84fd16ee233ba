import { expect, test } from '@jest/globals';
import { killUnderSynchronousLoad } from '../../support/kills/synchronous-kills.ts';

test('no acknowledged commit is lost when receiver and server are killed under load', async () => {
  const report = await killUnderSynchronousLoad({ receiverKills: 10, serverKills: 3 });
  process.stderr.write(
    `SIGKILL under synchronous load: ${report.acknowledged} commits acknowledged, ${report.lost.length} lost\n`,
  );
  expect(report.lost).toEqual([]);
  expect(report.acknowledged).toBeGreaterThan(100);
}, 180_000);
