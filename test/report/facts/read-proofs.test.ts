import { expect, test } from '@jest/globals';
import { systemClock } from '../../../src/clock.ts';
import { readProofFacts } from '../../../src/report/facts/read-proofs.ts';
import { openMemoryStore } from '../../../src/storage/memory-store.ts';
import { writeProof } from '../../../src/verify/proof/proof-record.ts';
import { proofReport } from '../../support/proof-reports.ts';

test('proofs of the repository are read, and one that cannot be is named', async () => {
  const store = openMemoryStore(systemClock);
  const [one, two] = ['full_backup_truck_20261122_020000', 'full_backup_truck_20261123_020000'];
  await writeProof(store, proofReport({ backup: one }));
  await writeProof(store, proofReport({ backup: one, verdict: 'failed' }));
  await store.putIfAbsent(`${two}/${two}.quarantined`, Buffer.from('{}'));
  const { proofs, unreadable } = await readProofFacts(store);
  expect(proofs.map(({ report }) => [report.backup, report.verdict])).toEqual([
    [one, 'verified'],
    [one, 'failed'],
  ]);
  expect(unreadable.map(({ name }) => name)).toEqual([`${two}/${two}.quarantined`]);
});
