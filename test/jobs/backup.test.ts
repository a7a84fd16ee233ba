import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import { backupJob, outcomeOf } from '../../src/jobs/backup.ts';
import { parseConnection } from '../../src/postgres/parse-connection.ts';
import { findFreePort } from '../../src/postgres/server/free-port.ts';
import type { CommitRecord } from '../../src/repository/commit-record.ts';
import { readProcessIdentity } from '../../src/process-identity.ts';
import { openStore } from '../../src/storage/open-store.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test.each([
  [true, 'REPOSITORY_MISSING'],
  [false, 'SERVER_UNREACHABLE'],
])('a repository that is not there, expected: %s, ends the run with %s', async (expected, code) => {
  await using temporary = await temporaryDirectory();
  const location = { kind: 'filesystem', directory: join(temporary.path, 'backups') } as const;
  const connection = parseConnection(`postgresql://larder@127.0.0.1:${await findFreePort()}/truck`, {});
  const job = backupJob({
    request: {
      cluster: 'truck',
      connection,
      location,
      store: openStore(location),
      compressionLevel: 1,
      workers: 1,
      leaseWait: 0,
      larderVersion: 'test',
      type: 'full',
      maxChain: 14,
      changesFrom: 'server',
      parent: undefined,
    },
    clock: systemClock,
    processIdentity: readProcessIdentity(),
    repositoryExpected: () => Promise.resolve(expected),
  });
  const { signal } = new AbortController();
  await expect(job.run({ runId: '1', signal, progress: () => undefined })).rejects.toMatchObject({ code });
});

const record = (state: CommitRecord['state']) =>
  ({ id: 'full_1', state, sourceBytes: 2, storedBytes: 1, warnings: ['w'] }) as unknown as CommitRecord;

test('a complete backup is an outcome without a problem', () => {
  expect(outcomeOf(record('complete'))).toEqual({
    backupId: 'full_1',
    sourceBytes: 2,
    storedBytes: 1,
    warnings: ['w'],
  });
});

test('a backup of a damaged cluster is an outcome with the problem SOURCE_CORRUPT', () => {
  expect(outcomeOf(record('corrupt_source'))).toMatchObject({
    backupId: 'full_1',
    problem: { code: 'SOURCE_CORRUPT' },
  });
});
