import { expect, test } from '@jest/globals';
import { commandPrefix, introduction, whatToTry } from '../../src/cli/introduction.ts';
import { loadConfig } from '../../src/config/load.ts';

const noFile = () => Promise.reject(Object.assign(new Error('none'), { code: 'ENOENT' }));

test('the introduction says what is protected, where things lie, when the next backup is, and no secret', async () => {
  const config = await loadConfig({
    environment: { DATABASE_URL: 'postgresql://larder:s3cret@db/truck', LARDER_HTTP_HOST: '::1' },
    workingDirectory: '/srv',
    readFile: noFile,
  });
  const text = introduction(config, '/srv/larder.log', Date.parse('2026-11-22T15:00:00Z'));
  for (const words of [
    'truck: db:5432 as larder',
    '/srv/backups',
    'next 2026-11-29 02:00:00 UTC',
    'http://[::1]:9847/metrics',
    '/srv/larder.log',
  ]) {
    expect(text).toContain(words);
  }
  expect(text).not.toContain('s3cret');
});

test('commands to try are written as they are to be typed: through npm in a checkout', () => {
  expect(commandPrefix({ npm_lifecycle_event: 'start' })).toBe('npm run -s larder --');
  expect(commandPrefix({})).toBe('larder');
  expect(whatToTry('larder', './restored', 'nobody')).toContain(
    '  larder restore latest --to-dir ./restored --owner nobody\n',
  );
});
