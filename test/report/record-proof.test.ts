import { chmod, mkdir, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AuditTrail } from '../../src/audit/audit-trail.ts';
import { systemClock } from '../../src/clock.ts';
import { checkEvidence } from '../../src/report/records/check-evidence.ts';
import { evidenceStore, readEvidence } from '../../src/report/records/evidence.ts';
import { recordProof, type ProofRecords } from '../../src/report/record-proof.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { drillReport, proofReport } from '../support/proof-reports.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';

let directory: TemporaryDirectory;
let records: ProofRecords;
let clock: FakeClock;

beforeEach(async () => {
  directory = await temporaryDirectory();
  clock = new FakeClock(Date.parse('2026-11-26T10:15:04Z'));
  records = {
    cluster: 'truck',
    results: join(directory.path, 'docs/backup-test-results.md'),
    directory: join(directory.path, 'state/reports'),
    stateDirectory: join(directory.path, 'state'),
    actor: 'schedule',
    clock,
  };
});
afterEach(async () => {
  await directory[Symbol.asyncDispose]();
});

const trail = () => new AuditTrail(records.stateDirectory, clock);
const check = async (where = records.directory) => checkEvidence((await trail().read()).records, where);

describe('the record of a proof', () => {
  test('is a JSON file, an audit record that vouches for it, and an entry for people', async () => {
    expect(await recordProof(proofReport(), records)).toEqual([]);
    expect(await recordProof(drillReport(), records)).toEqual([]);
    expect(await readEvidence(evidenceStore(records.directory))).toEqual({
      files: [
        { name: '20261126_101504.json', recorded: clock.now(), cluster: 'truck', report: proofReport() },
        { name: '20261126_101505.json', recorded: clock.now(), cluster: 'truck', report: drillReport() },
      ],
      unreadable: [],
    });
    expect((await trail().read()).records).toMatchObject([
      { action: 'report', actor: 'schedule', subject: '20261126_101504.json', details: { kind: 'proof' } },
      { action: 'report', subject: '20261126_101505.json', details: { kind: 'drill', result: 'verified' } },
    ]);
    expect(await check()).toEqual({ unchanged: 2, findings: [], unrecorded: [] });
    expect((await readFile(records.results!, 'utf8')).match(/^## .*$/gm)).toEqual([
      '## 2026-11-22 02:05:00 UTC · truck · host loss drill · verified, objectives met',
      '## 2026-11-22 02:05:00 UTC · truck · restore test · verified',
    ]);
    expect(await readdir(join(directory.path, 'docs'))).toEqual(['backup-test-results.md']);
  });

  test('a file that is changed, gone or put there is told of', async () => {
    for (let count = 0; count < 3; count++) await recordProof(proofReport(), records);
    const [one, two, three] = (await readdir(records.directory)).filter((name) => name.endsWith('.json'));
    const path = join(records.directory, one!);
    await writeFile(path, (await readFile(path, 'utf8')).replace('verified', 'Verified'));
    await rm(join(records.directory, two!));
    await writeFile(join(records.directory, '20200101_000000.json'), '{}');
    expect(await check()).toEqual({
      unchanged: 1,
      findings: [
        { file: one, what: 'is not as it was written' },
        { file: two, what: 'is gone' },
      ],
      unrecorded: ['20200101_000000.json'],
    });
    const read = await readEvidence(evidenceStore(records.directory));
    expect(read.files.map(({ name }) => name)).toEqual([three]);
    expect(read.unreadable.map(({ name }) => name)).toEqual(['20200101_000000.json', one]);
  });

  test('files that lie where they were written count, also when new ones go elsewhere', async () => {
    await recordProof(proofReport(), records);
    expect(await check(join(directory.path, 'elsewhere'))).toMatchObject({ unchanged: 1, findings: [] });
  });

  test('of many at the same time none is lost', async () => {
    const busy = { ...records, clock: systemClock };
    const all = Array.from({ length: 6 }, () => recordProof(proofReport(), busy));
    expect((await Promise.all(all)).flat()).toEqual([]);
    expect((await readFile(records.results!, 'utf8')).match(/larder:entry/g)).toHaveLength(6);
    expect(await check()).toMatchObject({ unchanged: 6, findings: [] });
  });

  test('what cannot be written is a warning each, and never an error', async () => {
    await writeFile(join(directory.path, 'state'), 'a file in the way');
    const warnings = await recordProof(proofReport(), records);
    expect(warnings).toEqual([
      expect.stringContaining('not kept as evidence'),
      expect.stringContaining('backup-test-results.md was not written'),
    ]);
  });

  test('without a results file the evidence is kept all the same', async () => {
    expect(await recordProof(proofReport(), { ...records, results: undefined })).toEqual([]);
    expect(await check()).toMatchObject({ unchanged: 1 });
  });

  test('the results file keeps its mode, and a link to it stays a link', async () => {
    await mkdir(join(directory.path, 'docs'));
    await writeFile(join(directory.path, 'real.md'), '# Ours\n');
    await chmod(join(directory.path, 'real.md'), 0o660);
    await symlink('../real.md', records.results!);
    await recordProof(proofReport(), records);
    const { mode } = await stat(join(directory.path, 'real.md'));
    expect(mode & 0o777).toBe(0o660);
    expect(await readFile(join(directory.path, 'real.md'), 'utf8')).toMatch(/^# Ours\n\n<!-- larder:entry/);
  });
});
