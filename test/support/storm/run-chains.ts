import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import { makeScratch, repositoryAt } from '../backup-runner.ts';
import type { TestServerOptions } from '../postgres-server.ts';
import { checkLink, takeChain } from './chain.ts';
import { batchesDuring } from './expectation.ts';
import { Storm } from './storm.ts';

export interface ChainsOptions {
  readonly server: Omit<TestServerOptions, 'settings'>;
  /** Links behind the full backup, for each chain. */
  readonly depths: readonly number[];
  readonly type: CommitRecord['type'];
  readonly seed: number;
}

/** What came of some chains. */
export interface ChainsReport {
  readonly major: number;
  /** Restored, started and checked: full backups, and links behind them. */
  readonly fulls: number;
  readonly links: number;
  /** Batches that were begun while a backup was taken. */
  readonly batches: number;
  readonly storedBytes: number;
  readonly seconds: number;
  /** One sentence each; empty when every link was what it had to be. */
  readonly findings: readonly string[];
}

/** Takes chains of one server, each into a repository of its own, and checks every link once its chain is complete. */
export async function runChains({ server, depths, type, seed }: ChainsOptions): Promise<ChainsReport> {
  const began = performance.now();
  await using storm = await Storm.start(server, seed);
  let report: ChainsReport = { ...NOTHING, major: server.major };
  for (const depth of depths) {
    await using scratch = await makeScratch();
    const repository = repositoryAt(scratch.path);
    for (const link of await takeChain(storm, repository, { depth, type })) {
      report = addReports(report, {
        major: server.major,
        fulls: link.depth === 0 ? 1 : 0,
        links: link.depth === 0 ? 0 : 1,
        batches: batchesDuring(link.expectation),
        storedBytes: link.backup.storedBytes,
        seconds: 0,
        findings: await checkLink(repository, link),
      });
    }
  }
  return { ...report, seconds: (performance.now() - began) / 1000 };
}

const NOTHING = { fulls: 0, links: 0, batches: 0, storedBytes: 0, seconds: 0, findings: [] };

/** Of what was done side by side: the longer time counts. */
export function addReports(one: ChainsReport, other: ChainsReport): ChainsReport {
  return {
    major: one.major,
    fulls: one.fulls + other.fulls,
    links: one.links + other.links,
    batches: one.batches + other.batches,
    storedBytes: one.storedBytes + other.storedBytes,
    seconds: Math.max(one.seconds, other.seconds),
    findings: [...one.findings, ...other.findings],
  };
}

/** One line, to be printed past jest. */
export function describeReports(reports: readonly ChainsReport[], seed: number): string {
  const sum = (of: (report: ChainsReport) => number) => reports.reduce((total, each) => total + of(each), 0);
  const each = reports.map(
    ({ major, links, findings, seconds }) =>
      `${major}: ${links} in ${seconds.toFixed(0)} s${findings.length === 0 ? '' : `, ${findings.length} findings`}`,
  );
  return [
    `chains: ${sum(({ links }) => links)} links and ${sum(({ fulls }) => fulls)} full backups restored and checked`,
    `${sum(({ findings }) => findings.length)} findings, seed ${seed}, ${sum(({ seconds }) => seconds).toFixed(0)} s`,
    `${sum(({ batches }) => batches)} batches during backups, ${(sum(({ storedBytes }) => storedBytes) / 1e6).toFixed(0)} MB stored`,
    `PostgreSQL ${each.join('; ')}\n`,
  ].join(', ');
}
