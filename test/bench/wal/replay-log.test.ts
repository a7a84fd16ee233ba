import { expect, test } from '@jest/globals';
import { readReplay } from '../../../bench/wal/replay-log.ts';

const LOG = [
  '2026-11-24 02:59:58.000 UTC LOG:  starting PostgreSQL 18.6 on x86_64',
  '2026-11-24 02:59:58.250 UTC LOG:  starting archive recovery',
  '2026-11-24 02:59:58.500 UTC LOG:  redo starts at 0/2000028',
  '2026-11-24 02:59:58.501 UTC LOG:  restored log file "000000010000000000000003" from archive',
  '2026-11-24 03:00:08.750 UTC LOG:  redo done at 1/2000028 system usage: CPU: user: 1.00 s, elapsed: 10.25 s',
  '2026-11-24 03:00:09.000 UTC LOG:  archive recovery complete',
  '2026-11-24 03:00:12.000 UTC LOG:  database system is ready to accept connections',
].join('\n');

test('a replay is timed by the log: from the start to the end of the recovery, and the redo in it', () => {
  expect(readReplay(LOG)).toEqual({ totalSeconds: 11, redoSeconds: 10.25, walBytes: 2 ** 32 });
});

test.each(['starting PostgreSQL', 'redo starts at', 'redo done at', 'archive recovery complete'])(
  'without its line "%s" a log proves no replay',
  (words) => {
    const cut = LOG.split('\n').filter((line) => !line.includes(words));
    expect(() => readReplay(cut.join('\n'))).toThrow(`the server's log has no line "${words}"`);
  },
);
