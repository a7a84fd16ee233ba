import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../src/clock.ts';
import { segmentName } from '../../../src/postgres/wal-segment.ts';
import { openOrCreateRepository } from '../../../src/repository/repository.ts';
import { FetchServer } from '../../../src/restore/fetch/fetch-server.ts';
import { repositoryAt } from '../../support/backup-runner.ts';
import {
  at,
  makeArchive,
  SEGMENT_SIZE,
  storeHistoryOf,
  storeSegment,
  SYSTEM,
} from '../../support/stored-wal.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts';
import { until } from '../../support/until.ts';

const HISTORY = '00000002.history';
const SEGMENTS = 14;
const HISTORY_OF_2 = [{ timeline: 1, end: at(3, 500) }];

let directory: TemporaryDirectory;
let stop: AbortController;
let serving: Promise<void>;
beforeEach(async () => {
  directory = await temporaryDirectory();
  mkdirSync(join(directory.path, 'data/pg_wal'), { recursive: true });
  const { store, location } = repositoryAt(join(directory.path, 'backups'));
  const lineage = { systemIdentifier: SYSTEM, major: 17 };
  await openOrCreateRepository(store, location, { lineage, clock: systemClock });
  const archive = await makeArchive(store);
  await storeHistoryOf(store, 2, HISTORY_OF_2);
  for (let number = 4; number < 4 + SEGMENTS; number++) await storeSegment(store, { number, timeline: 2 });
  const plan = {
    archive,
    path: { timeline: 2, history: HISTORY_OF_2 },
    from: at(3),
    until: at(4 + SEGMENTS),
  };
  stop = new AbortController();
  const server = await FetchServer.open({
    ...{ store, location, plan, clock: systemClock },
    dataDirectory: join(directory.path, 'data'),
    onFailure: (error) => {
      throw error;
    },
  });
  serving = server.run(stop.signal);
}, 20_000);
afterEach(async () => {
  stop.abort();
  await serving;
  await directory[Symbol.asyncDispose]();
});

const place = (name: string): string => join(directory.path, 'data/pg_wal/larder_fetch', name);

/** As scripts/larder-wal-fetch does: takes what lies ready, else asks for it and takes it. */
async function fetchFile(name: string): Promise<'lay ready' | 'was asked for'> {
  const ready = existsSync(place(name));
  if (!ready) writeFileSync(place(`${name}.want`), '');
  await until(() => existsSync(place(name)));
  renameSync(place(name), join(directory.path, 'data/pg_wal/RECOVERYXLOG'));
  return ready ? 'lay ready' : 'was asked for';
}

test('a file is given as often as it is asked for, also when the next request meets the last answer', async () => {
  for (let request = 0; request < 200; request++) await fetchFile(HISTORY);
}, 60_000);

test('segments lie ready before they are asked for, each of them once', async () => {
  const nameOf = (number: number): string =>
    segmentName({ timeline: 2, number: BigInt(number) }, SEGMENT_SIZE);
  expect(await fetchFile(nameOf(4))).toBe('was asked for');
  for (let number = 5; number < 4 + SEGMENTS; number++) {
    await until(() => existsSync(place(nameOf(number))));
    expect(await fetchFile(nameOf(number))).toBe('lay ready');
  }
  // a look of its own, and time for what it would begin
  await fetchFile(HISTORY);
  await fetchFile(HISTORY);
  expect(readdirSync(place(''))).toEqual(['server']);
}, 60_000);
