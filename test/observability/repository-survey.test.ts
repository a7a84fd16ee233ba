import { beforeEach, expect, test } from '@jest/globals';
import { LarderError } from '../../src/errors.ts';
import { RepositorySurvey } from '../../src/observability/repository-survey.ts';
import { encodeCommitRecord, type CommitRecord } from '../../src/repository/commit-record.ts';
import { commitRecordName } from '../../src/repository/layout.ts';
import { encodeSealedJson } from '../../src/repository/sealed-json.ts';
import { writeSealRecord } from '../../src/repository/wal/seal-record.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { openMemoryStore } from '../../src/storage/memory-store.ts';
import { commitRecord } from '../support/commit-records.ts';
import { proofReport } from '../support/proof-reports.ts';
import { FakeClock } from '../support/fake-clock.ts';

const clock = new FakeClock('2026-11-22T12:00:00Z');
const first = commitRecord('2026-11-15T02:00:00Z');
const second = commitRecord('2026-11-22T02:00:00Z');
let store: ObjectStore;
let reads: string[];
let survey: RepositorySurvey;

beforeEach(async () => {
  const kept = openMemoryStore(clock);
  reads = [];
  store = Object.assign(Object.create(kept) as ObjectStore, {
    get: (name: string, limit: number) => {
      reads.push(name);
      return kept.get(name, limit);
    },
    list: (prefix: string) => kept.list(prefix),
    stat: (name: string) => kept.stat(name),
    putIfAbsent: (name: string, bytes: Uint8Array) => kept.putIfAbsent(name, bytes),
    replace: (name: string, bytes: Uint8Array) => kept.replace(name, bytes),
    delete: (name: string) => kept.delete(name),
  });
  survey = new RepositorySurvey(store);
  await put(first);
});

const proof = (backup: string, seconds: number) =>
  encodeSealedJson({
    formatVersion: 1,
    report: proofReport({
      backup,
      phases: [
        { name: 'stored objects', seconds: 100 },
        { name: 'restore', seconds },
        { name: 'start and replay', seconds: 2 },
        { name: 'check', seconds: 100 },
      ],
    }),
  });
const put = (record: CommitRecord) =>
  store.putIfAbsent(commitRecordName(record.id), encodeCommitRecord(record));
const states = async () => (await survey.read()).backups.map(({ id, state }) => [id, state]);
const recordsRead = () =>
  reads.filter((name) => name.endsWith('.meta') && !name.startsWith('transaction_logs/'));

test('each commit record is read once, however often it is looked', async () => {
  expect(await states()).toEqual([[first.id, 'good']]);
  await put(second);
  expect(await states()).toEqual([
    [first.id, 'good'],
    [second.id, 'good'],
  ]);
  await survey.read();
  expect(recordsRead()).toEqual([commitRecordName(first.id), commitRecordName(second.id)]);
});

test('a record that was changed is read again, one that is gone is forgotten', async () => {
  await put(second);
  await survey.read();
  await store.replace(commitRecordName(first.id), Buffer.from('torn'));
  await store.delete(commitRecordName(second.id));
  expect(await states()).toEqual([[first.id, 'damaged']]);
});

test('proofs, failed proofs, sizes and seals are seen', async () => {
  await put(second);
  const mark = (id: string, ending: string) => store.putIfAbsent(`${id}/${id}.${ending}`, proof(id, 5));
  await mark(first.id, 'quarantined');
  await mark(first.id, 'verified_2');
  await mark(second.id, 'verified_9');
  await mark(second.id, 'quarantined_10');
  const { systemIdentifier } = second;
  const seal = {
    formatVersion: 1,
    cluster: 'truck',
    systemIdentifier,
    timeline: 1,
    from: '0/1',
    to: '0/2',
  } as const;
  const times = { startTime: '2026-11-22T06:00:00.000Z', endTime: '2026-11-22T06:00:02.000Z' };
  await writeSealRecord(store, { ...seal, ...times, segments: 1, bytes: 1, gaps: [], larderVersion: 'test' });
  await survey.read();
  const found = await survey.read();
  expect(reads.filter((name) => name.includes('verified'))).toEqual([`${first.id}/${first.id}.verified_2`]);
  expect(found.restoreSeconds).toBe(7);
  expect(found.backups).toMatchObject([
    { state: 'good', verified: clock.now() },
    { state: 'quarantined', verified: undefined },
  ]);
  const records = encodeCommitRecord(first).length + encodeCommitRecord(second).length;
  expect(found.backupBytes.full).toBe(records + 4 * proof(first.id, 5).length);
  expect(found.sealed).toBe(Date.parse(times.endTime));
  // an archive must have been there, since something was sealed
  expect(found.log).toMatchObject({ missingSegments: undefined, damaged: 1 });
});

test('a store that does not answer makes all of it unknown', async () => {
  const gone = new LarderError('REPOSITORY_UNREACHABLE', 'not now');
  Object.assign(store, { get: () => Promise.reject(gone) });
  await expect(survey.read()).rejects.toMatchObject({ code: 'REPOSITORY_UNREACHABLE' });
});
