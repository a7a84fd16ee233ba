import { afterAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { toLarderError } from '../../src/errors.ts';
import type { ProofReport } from '../../src/verify/proof-report.ts';
import { writeProof } from '../../src/verify/proof/proof-record.ts';
import { makeScratch, repositoryAt, type Scratch } from '../support/backup-runner.ts';
import { majors } from '../support/postgres-server.ts';
import { prove } from '../support/proof/prove.ts';
import { seedFromEnvironment } from '../support/seeded-random.ts';
import { type Link, takeChain } from '../support/storm/chain.ts';
import { Storm } from '../support/storm/storm.ts';

const BACKUPS = 15;
/** Links behind the full backups of one server, in turn, until enough are proven. */
const DEPTHS = [7, 4, 1];

/** Of one server. */
interface Outcome {
  proven: number;
  stormy: number;
  /** Of the stormy ones, those of which something could not be known: tables emptied, databases dropped meanwhile. */
  excepted: number;
  /** Backups while which a tablespace was made: no host but the source has its directory. */
  unprovable: number;
  readonly findings: string[];
}

async function proveLink({ path }: Scratch, link: Link): Promise<ProofReport | undefined> {
  const repository = repositoryAt(join(path, 'backups'));
  try {
    const report = await prove(repository, link.backup, join(path, 'proofs'), {
      level: 'full',
      keep: 'truck',
    });
    await writeProof(repository.store, report);
    return report;
  } catch (error) {
    const { hint = '' } = toLarderError(error);
    if (link.how === 'stormy' && hint.includes('Tablespace/CREATE')) return undefined;
    throw error;
  }
}

async function proveChain(storm: Storm, depth: number, outcome: Outcome): Promise<void> {
  await using scratch = await makeScratch();
  const repository = repositoryAt(join(scratch.path, 'backups'));
  for (const link of await takeChain(storm, repository, { depth, type: 'incremental' })) {
    const report = await proveLink(scratch, link);
    if (report === undefined) {
      outcome.unprovable += 1;
      continue;
    }
    // what nobody can know of a cluster that was being changed is an exception, and never a failure
    const alarms = report.checks.filter(
      ({ result }) => result === 'failed' || (link.how === 'calm' && result === 'excepted'),
    );
    outcome.findings.push(
      ...alarms.map((check) => `${link.how} ${link.backup.id}: ${JSON.stringify(check)}`),
    );
    outcome.proven += report.verdict === 'failed' ? 0 : 1;
    outcome.excepted += report.verdict === 'verified_with_exceptions' ? 1 : 0;
    outcome.stormy += link.how === 'stormy' ? 1 : 0;
  }
}

describe('sixty backups that a storm of changes went on between and during', () => {
  const seed = seedFromEnvironment();
  const lines: string[] = [];
  afterAll(() => void process.stderr.write(`clean proofs, seed ${seed}\n${lines.join('\n')}\n`));

  test.each(majors)(
    'are all found to be good: PostgreSQL %i',
    async (major) => {
      const outcome: Outcome = { proven: 0, stormy: 0, excepted: 0, unprovable: 0, findings: [] };
      const server = { major, walSegmentSizeMb: 1, checksums: major !== 16 };
      await using storm = await Storm.start(server, seed + major);
      for (let i = 0; outcome.proven < BACKUPS && outcome.findings.length === 0; i++)
        await proveChain(storm, DEPTHS[i % DEPTHS.length]!, outcome);
      const { proven, stormy, excepted, unprovable } = outcome;
      lines.push(
        `  PostgreSQL ${major}: ${proven} verified, ${stormy} of them taken under load, ${excepted} with exceptions; while ${unprovable} more were taken a tablespace was made`,
      );
      expect(outcome.findings).toEqual([]);
    },
    1_800_000,
  );
});
