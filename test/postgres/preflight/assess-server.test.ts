import { describe, expect, test } from '@jest/globals';
import { LarderError } from '../../../src/errors.ts';
import { assessServer, connectionRow } from '../../../src/postgres/preflight/assess-server.ts';
import type { ServerFacts } from '../../../src/postgres/sql/server-facts.ts';

const settings = {
  config_file: '/data/postgresql.conf',
  data_checksums: 'on',
  data_directory: '/data',
  fsync: 'on',
  full_page_writes: 'on',
  hba_file: '/data/pg_hba.conf',
  ident_file: '/data/pg_ident.conf',
  idle_replication_slot_timeout: '0',
  max_replication_slots: '10',
  max_slot_wal_keep_size: '10240',
  max_wal_senders: '10',
  summarize_wal: 'on',
  wal_level: 'replica',
};

const healthy: ServerFacts = {
  versionNumber: 180004,
  version: '18.4',
  systemIdentifier: '7500000000000000000',
  timeline: 1,
  inRecovery: false,
  clockSkew: 12,
  role: { name: 'larder', superuser: false, replication: true },
  settings: new Map(Object.entries(settings)),
  replicationSlots: 0,
  walSenders: 0,
  tablespaces: [],
  databases: [{ name: 'truck', size: 8_000_000 }],
  size: 8_000_000,
};

function withSetting(name: string, value: string): ServerFacts {
  return { ...healthy, settings: new Map(Object.entries({ ...settings, [name]: value })) };
}

function withoutSettings(...names: string[]): ServerFacts {
  return {
    ...healthy,
    settings: new Map(Object.entries(settings).filter(([name]) => !names.includes(name))),
  };
}

function row(facts: ServerFacts, name: string) {
  return assessServer(facts).find((each) => each.name === name);
}

test('a healthy server is green in every row', () => {
  const rows = assessServer(healthy);
  expect(rows.map((each) => each.name)).toEqual([
    'connection',
    'server version',
    'role',
    'wal_level',
    'full_page_writes',
    'fsync',
    'data_checksums',
    'summarize_wal',
    'max_slot_wal_keep_size',
    'idle_replication_slot_timeout',
    'max_wal_senders',
    'max_replication_slots',
    'tablespaces',
    'configuration files',
    'clock',
  ]);
  expect(rows.filter((each) => each.state !== 'ok')).toEqual([]);
});

const restart = '-- then restart the server';
const reload = 'SELECT pg_reload_conf();';

test.each<[string, ServerFacts, string, 'warning' | 'error' | 'unknown', string]>([
  [
    'an old server',
    { ...healthy, versionNumber: 140019, version: '14.19' },
    'server version',
    'error',
    'PostgreSQL 15',
  ],
  [
    'a newer server',
    { ...healthy, versionNumber: 190000, version: '19' },
    'server version',
    'warning',
    'PostgreSQL 19',
  ],
  [
    'a role without REPLICATION',
    { ...healthy, role: { name: 'La"rder', superuser: false, replication: false } },
    'role',
    'error',
    'ALTER ROLE "La""rder" REPLICATION;',
  ],
  [
    'a superuser',
    { ...healthy, role: { name: 'postgres', superuser: true, replication: true } },
    'role',
    'warning',
    'CREATE ROLE larder LOGIN REPLICATION',
  ],
  [
    'wal_level=minimal',
    withSetting('wal_level', 'minimal'),
    'wal_level',
    'error',
    `ALTER SYSTEM SET wal_level = replica; ${restart}`,
  ],
  [
    'full_page_writes=off',
    withSetting('full_page_writes', 'off'),
    'full_page_writes',
    'warning',
    `ALTER SYSTEM SET full_page_writes = on; ${reload}`,
  ],
  ['fsync=off', withSetting('fsync', 'off'), 'fsync', 'warning', `ALTER SYSTEM SET fsync = on; ${reload}`],
  [
    'no checksums',
    withSetting('data_checksums', 'off'),
    'data_checksums',
    'warning',
    'pg_checksums --enable --pgdata /data',
  ],
  [
    'summarize_wal=off',
    withSetting('summarize_wal', 'off'),
    'summarize_wal',
    'warning',
    `ALTER SYSTEM SET summarize_wal = on; ${reload}`,
  ],
  [
    'slots without a limit',
    withSetting('max_slot_wal_keep_size', '-1'),
    'max_slot_wal_keep_size',
    'warning',
    `ALTER SYSTEM SET max_slot_wal_keep_size = '10GB'; ${reload}`,
  ],
  [
    'slots that time out',
    withSetting('idle_replication_slot_timeout', '86400'),
    'idle_replication_slot_timeout',
    'warning',
    `ALTER SYSTEM SET idle_replication_slot_timeout = 0; ${reload}`,
  ],
  [
    'no walsenders',
    withSetting('max_wal_senders', '0'),
    'max_wal_senders',
    'error',
    `ALTER SYSTEM SET max_wal_senders = 10; ${restart}`,
  ],
  [
    'few walsenders',
    { ...healthy, walSenders: 8 },
    'max_wal_senders',
    'warning',
    `ALTER SYSTEM SET max_wal_senders = 11; ${restart}`,
  ],
  [
    'all walsenders taken',
    { ...healthy, walSenders: 10 },
    'max_wal_senders',
    'error',
    'max_wal_senders = 13',
  ],
  [
    'one slot left',
    { ...healthy, replicationSlots: 9 },
    'max_replication_slots',
    'warning',
    'max_replication_slots = 11',
  ],
  [
    'no slots',
    withSetting('max_replication_slots', '0'),
    'max_replication_slots',
    'error',
    'max_replication_slots = 10',
  ],
  [
    'configuration elsewhere',
    withSetting('hba_file', '/data2/pg_hba.conf'),
    'configuration files',
    'warning',
    'cp --archive /data2/pg_hba.conf',
  ],
  [
    'configuration unseen',
    withoutSettings('data_directory', 'config_file', 'hba_file', 'ident_file'),
    'configuration files',
    'unknown',
    'GRANT pg_read_all_settings TO "larder";',
  ],
  ['a clock behind', { ...healthy, clockSkew: -6000 }, 'clock', 'warning', 'timedatectl'],
])('%s is told with its mend', (...[, facts, name, state, mend]) => {
  expect(row(facts, name)?.state).toBe(state);
  expect(row(facts, name)?.mend).toContain(mend);
  expect(assessServer(facts).filter((each) => each.state !== 'ok')).toHaveLength(1);
});

describe('a row', () => {
  test('is left out when the version does not have the setting', () => {
    const facts = withoutSettings('summarize_wal', 'idle_replication_slot_timeout');
    expect(row(facts, 'summarize_wal')).toBeUndefined();
    expect(row(facts, 'idle_replication_slot_timeout')).toBeUndefined();
  });

  test('lists tablespaces with their places', () => {
    const facts = { ...healthy, tablespaces: [{ oid: 16_400, name: 'fast', location: '/ssd' }] };
    expect(row(facts, 'tablespaces')?.found).toBe('fast at /ssd');
  });

  test('of a refused connection carries the hint as its mend', () => {
    const error = new LarderError('SERVER_UNREACHABLE', 'db:5432 cannot be reached', { hint: 'Start it.' });
    expect(connectionRow(error)).toEqual({
      name: 'connection',
      state: 'error',
      found: 'db:5432 cannot be reached',
      mend: 'Start it.',
    });
  });
});
