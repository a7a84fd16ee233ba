import { expect, test } from '@jest/globals';
import { newestDrill } from '../../src/observability/newest-drill.ts';
import { writeEvidence } from '../../src/report/records/evidence.ts';
import { openMemoryStore } from '../../src/storage/memory-store.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { drillReport, proofReport } from '../support/proof-reports.ts';

test('the newest drill of the cluster counts: no restore test, none of another cluster, and no file that is torn', async () => {
  const store = openMemoryStore(new FakeClock());
  expect(await newestDrill(store, 'truck')).toBeUndefined();
  const write = (recorded: number, cluster: string, report: object) =>
    writeEvidence(store, {
      recorded: recorded * 1000,
      cluster,
      report: report as ReturnType<typeof proofReport>,
    });
  await write(1, 'truck', drillReport({ recoverySeconds: 1 }));
  await write(2, 'truck', drillReport({ recoverySeconds: 2 }));
  await write(3, 'car', drillReport({ recoverySeconds: 3 }));
  await write(4, 'truck', proofReport());
  await store.putIfAbsent('19700101_000009.json', Buffer.from('{'));
  expect(await newestDrill(store, 'truck')).toMatchObject({ recorded: 2000, report: { recoverySeconds: 2 } });
});
