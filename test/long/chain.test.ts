import { afterAll, describe, expect, test } from '@jest/globals';
import { allOf } from '../support/all-of.ts';
import { majors } from '../support/postgres-server.ts';
import { seedFromEnvironment } from '../support/seeded-random.ts';
import { addReports, type ChainsReport, describeReports, runChains } from '../support/storm/run-chains.ts';

/** Depths of the chains of two servers of one major version, which work side by side: 75 links together. */
const DEPTHS = [
  [10, 9, 8, 7, 3],
  [10, 10, 6, 5, 4, 2, 1],
] as const;
/** Each of the two differs in what the files look like. */
const SERVERS = [
  { walSegmentSizeMb: 1, checksums: true },
  { walSegmentSizeMb: 16, checksums: false },
] as const;

describe('three hundred links of chains of one to ten', () => {
  const seed = seedFromEnvironment();
  const reports: ChainsReport[] = [];
  afterAll(() => void process.stderr.write(describeReports(reports, seed)));

  test.each(majors)(
    'restore to what was there when they were taken: PostgreSQL %i',
    async (major) => {
      const [one, other] = await allOf(
        DEPTHS.map((depths, i) =>
          runChains({
            server: { major, ...SERVERS[i]! },
            depths,
            type: 'incremental',
            seed: seed + major * DEPTHS.length + i,
          }),
        ),
      );
      const report = addReports(one!, other!);
      reports.push(report);
      expect(report.findings).toEqual([]);
      expect(report.links).toBe(75);
    },
    1_800_000,
  );
});
