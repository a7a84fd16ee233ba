import { expect } from '@jest/globals';
import { differences, fingerprintCluster } from '../../src/demo/compare-clusters.ts';

/** Fails with one sentence for each thing that differs; both URLs are superusers'. Unlogged tables are left out. */
export async function expectSameContents(original: string, copy: string): Promise<void> {
  const [before, after] = await Promise.all(
    [original, copy].map((connection) => fingerprintCluster(connection, { unlogged: false })),
  );
  expect(differences(before!, after!)).toEqual([]);
}
