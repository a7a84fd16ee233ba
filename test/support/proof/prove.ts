import { systemClock } from '../../../src/clock.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import { embeddedBinDirectory } from '../../../src/postgres/server/embedded-binaries.ts';
import { majorOf } from '../../../src/postgres/version.ts';
import { proveBackup, type ProofRequest } from '../../../src/verify/proof/prove-backup.ts';
import type { Check, ProofReport } from '../../../src/verify/proof-report.ts';
import type { TestRepository } from '../backup-runner.ts';

export type ProofChanges = Partial<Pick<ProofRequest, 'level' | 'userChecks' | 'keep'>>;

/** Proves a backup by a real restore, with the binaries that made it. */
export async function prove(
  repository: TestRepository,
  backup: CommitRecord,
  scratch: string,
  changes: ProofChanges = {},
): Promise<ProofReport> {
  const directory = await embeddedBinDirectory(majorOf(backup.serverVersionNumber));
  return proveBackup(
    {
      ...repository,
      backup,
      workers: 2,
      level: 'restore',
      scratch: [scratch],
      userChecks: [],
      concurrency: 2,
      binaries: directory === undefined ? {} : { directory },
      larderVersion: 'test',
      ...changes,
    },
    { clock: systemClock, signal: new AbortController().signal, onProgress: () => undefined },
  );
}

/** The check of that name. */
export function checkNamed({ checks }: ProofReport, name: string): Check {
  const found = checks.find((check) => check.name === name);
  if (found === undefined)
    throw new Error(`there is no check ${name} among ${checks.map((each) => each.name).join(', ')}`);
  return found;
}
