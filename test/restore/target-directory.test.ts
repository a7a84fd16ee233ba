import { expect, test } from '@jest/globals';
import { watch } from 'node:fs';
import { inspectTarget } from '../../src/restore/target-directory.ts';
import { markUnfinished, UNFINISHED_MARKER } from '../../src/restore/unfinished-marker.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

test('a directory is marked as unfinished without another name in it at any moment', async () => {
  await using directory = await temporaryDirectory();
  const names = new Set<string | null>();
  const watcher = watch(directory.path, (_, name) => names.add(name));
  await markUnfinished(directory.path, 'a text\n', undefined);
  // the system tells of names in the order in which they came
  await until(() => names.has(UNFINISHED_MARKER));
  watcher.close();
  expect([...names]).toEqual([UNFINISHED_MARKER]);
  expect(await inspectTarget(directory.path, '--to-dir')).toMatchObject({ state: 'unfinished' });
});
