import { afterAll, describe, expect, test } from '@jest/globals';
import { seedFromEnvironment } from '../../support/seeded-random.ts';
import { type ChainsReport, describeReports, runChains } from '../../support/storm/run-chains.ts';

/** One server for each major version, all of them different. */
const servers = [
  { major: 15, walSegmentSizeMb: 1, checksums: false },
  { major: 16, walSegmentSizeMb: 4, checksums: true },
  { major: 17, walSegmentSizeMb: 1, checksums: false },
  { major: 18, walSegmentSizeMb: 16, checksums: true },
] as const;

describe('a chain of backups that a storm of changes went on between and during', () => {
  const seed = seedFromEnvironment();
  const reports: ChainsReport[] = [];
  afterAll(() => void process.stderr.write(describeReports(reports, seed)));

  test.each(servers)(
    'restores to what was there at each of its links: PostgreSQL $major',
    async (server) => {
      const report = await runChains({ server, depths: [4], type: 'incremental', seed: seed + server.major });
      reports.push(report);
      expect(report.findings).toEqual([]);
      expect(report.links).toBe(4);
    },
    240_000,
  );
});
