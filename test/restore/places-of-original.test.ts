import { describe, expect, test } from '@jest/globals';
import { includedFiles, withoutPlacesOfOriginal } from '../../src/restore/places-of-original.ts';

describe('the configuration of a copy', () => {
  test.each([
    "data_directory = '/srv/pg'",
    "  DATA_DIRECTORY='/srv/pg' # here",
    "data_directory '/srv/pg'",
    "external_pid_file = '/run/postgresql/17-main.pid'",
    'data_directory = /srv/pg',
    "log_directory = '/var/log/postgresql'",
    "data_directory = '/restored2'",
    "data_directory = '../main'",
    "data_directory = 'main'",
    "external_pid_file = '../main.pid'",
    "log_directory = '/restored/../main/log'",
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
    "log_directory = 'log'",
    "log_directory = '/restored/log'",
    '',
  ])('stays as it is: %s', (line) => {
    expect(withoutPlacesOfOriginal(`port = 5433\n${line}\n`, '/restored')).toBeUndefined();
  });
});

test('what a configuration file includes is looked for beside it', () => {
  const files = new Set(['conf.d/a.conf', 'conf.d/b.conf', 'conf.d/c.txt', 'conf.d/deep/d.conf', 'own.conf']);
  const text = `
    include 'own.conf'
    include_if_exists = 'gone.conf'
    Include_Dir 'conf.d/' # all of it
    include '/etc/postgresql/more.conf'
    # include 'conf.d/c.txt'
    included = 1`;
  expect(includedFiles(text, 'postgresql.conf', files)).toEqual([
    'own.conf',
    'conf.d/a.conf',
    'conf.d/b.conf',
  ]);
  expect(includedFiles("include '../own.conf'\ninclude 'a.conf'", 'conf.d/b.conf', files)).toEqual([
    'own.conf',
    'conf.d/a.conf',
  ]);
  const name = Buffer.from('für.conf').toString('latin1');
  expect(includedFiles(`include '${name}'`, 'postgresql.conf', new Set(['für.conf']))).toEqual(['für.conf']);
  expect(includedFiles("include '../../etc/passwd'", 'conf.d/b.conf', files)).toEqual([]);
});
