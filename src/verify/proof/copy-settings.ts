/**
 * Settings of the server that runs a copy, beside `quietSettings`. Its own postgresql.conf and what ALTER SYSTEM left are not
 * read; these win over everything but what roles and databases carry inside the data, see `SESSION_SETTINGS`.
 */
export function copySettings(major: number, segmentSize: number): Readonly<Record<string, string>> {
  return {
    ...SERVER_SETTINGS,
    ...walSizes(segmentSize),
    ...(major >= 17 ? { event_triggers: 'off' } : {}),
  };
}

const SERVER_SETTINGS: Readonly<Record<string, string>> = {
  // it is thrown away, or brought to the next backup with every unit compared
  fsync: 'off',
  // nothing may change while it is looked at, and no function of the source may run but those that have to
  autovacuum: 'off',
  jit: 'off',
  session_preload_libraries: '',
  local_preload_libraries: '',
  // of verify.sessions, 64 at most, and a few that look at the whole
  max_connections: '80',
  max_worker_processes: '4',
  max_parallel_workers: '0',
  max_wal_senders: '0',
  // a crash is a finding, and must not be passed over by a second start
  restart_after_crash: 'off',
  // /dev/shm is read-only for it
  dynamic_shared_memory_type: 'mmap',
  // each of two sessions may take it for what it has seen of one index
  maintenance_work_mem: '128MB',
  lc_messages: 'C',
  log_min_messages: 'warning',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/** PostgreSQL refuses limits below two segments, which its defaults are for large ones. */
function walSizes(segmentSize: number): Readonly<Record<string, string>> {
  const megabytes = Math.max(512, (4 * segmentSize) / 1024 ** 2);
  return {
    min_wal_size: `${Math.max(80, (2 * segmentSize) / 1024 ** 2)}MB`,
    max_wal_size: `${2 * megabytes}MB`,
  };
}

/**
 * Settings that every session begins with. They outrank what ALTER ROLE and ALTER DATABASE say inside the data, which may
 * load libraries, switch triggers on again, hide damage, or keep an error out of the log.
 */
export function sessionSettings(major: number): Readonly<Record<string, string>> {
  return { ...SESSION_SETTINGS, ...(major >= 17 ? { event_triggers: 'off', transaction_timeout: '0' } : {}) };
}

const SESSION_SETTINGS: Readonly<Record<string, string>> = {
  role: 'none',
  search_path: 'pg_catalog',
  session_preload_libraries: '',
  local_preload_libraries: '',
  default_transaction_read_only: 'off',
  default_transaction_isolation: 'read committed',
  session_replication_role: 'origin',
  zero_damaged_pages: 'off',
  ignore_checksum_failure: 'off',
  ignore_system_indexes: 'off',
  row_security: 'off',
  jit: 'off',
  max_parallel_workers_per_gather: '0',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  lc_messages: 'C',
  client_min_messages: 'error',
  log_min_messages: 'warning',
  log_statement: 'none',
  log_min_duration_statement: '-1',
  default_tablespace: '',
  temp_tablespaces: '',
  TimeZone: 'UTC',
  DateStyle: 'ISO',
};
