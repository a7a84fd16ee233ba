import { describe, expect, test } from '@jest/globals';
import { withoutPlacesOfOriginal } from '../../src/restore/places-of-original.ts';

describe('the configuration of a copy', () => {
  test.each([
    "data_directory = '/srv/pg'",
    "  DATA_DIRECTORY='/srv/pg' # here",
    "data_directory '/srv/pg'",
    "external_pid_file = '/run/postgresql/17-main.pid'",
    'data_directory = /srv/pg',
  ])('does not name a place of the original any more: %s', (line) => {
    const changed = withoutPlacesOfOriginal(`port = 5433\n${line}\nfsync = on\n`, '/restored');
    const lines = changed?.split('\n') ?? [];
    expect(lines[0]).toBe('port = 5433');
    expect(lines[1]).toMatch(/^# .*taken out by larder/);
    expect(lines[1]).toContain(line);
    expect(lines.slice(2)).toEqual(['fsync = on', '']);
  });

  test.each([
    "data_directory = '/restored'",
    "#data_directory = '/srv/pg'",
    "data_directory_mode = '0700'",
    "log_directory = '/var/log/postgresql'",
    '',
  ])('stays as it is: %s', (line) => {
    expect(withoutPlacesOfOriginal(`port = 5433\n${line}\n`, '/restored')).toBeUndefined();
  });
});
