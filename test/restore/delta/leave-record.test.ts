import { expect, test } from '@jest/globals';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { systemClock } from '../../../src/clock.ts';
import { manifestName } from '../../../src/repository/layout.ts';
import type { Manifest } from '../../../src/repository/manifest/manifest-reader.ts';
import { observeFiles, type RestoredFiles } from '../../../src/restore/delta/leave-record.ts';
import { commitRecord } from '../../support/commit-records.ts';

const backup = commitRecord('2026-11-22T02:00:00Z');
const restored: RestoredFiles = {
  backup: {
    ...backup,
    objects: [{ name: manifestName(backup.id), size: 1, sha256: 'ab'.repeat(32) }],
  },
  manifest: { files: [] } as unknown as Manifest,
  directories: [join(tmpdir(), 'larder-no-such-directory')],
  pathOf: () => undefined,
  believed: new Map(),
};

test('a restore is whole where its files cannot be looked at any more, but for one that is broken off', async () => {
  const never = new AbortController();
  await expect(observeFiles(restored, systemClock, never.signal)).resolves.toBeUndefined();
  never.abort(new Error('broken off'));
  await expect(observeFiles(restored, systemClock, never.signal)).rejects.toThrow('broken off');
});
