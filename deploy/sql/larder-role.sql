-- The role that Larder logs in as: what backups, WAL and "larder check" need, and nothing else. Plain SQL that can be run
-- again. Run it as a superuser in the database that Larder connects to, since the last grant holds in that database only;
-- the password is set apart, so that it stands in no file:
--
--   psql --dbname postgres --file larder-role.sql --command '\password larder'

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'larder') THEN
    CREATE ROLE larder;
  END IF;
END
$$;

-- REPLICATION reads every byte of the cluster and can drop any slot: guard the password like a superuser's. A backup takes
-- three connections, the receiver two, "check" and the service's own look at the server one or two more.
ALTER ROLE larder WITH LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS CONNECTION LIMIT 10;

-- "larder check": where data directory and configuration files lie, and the walsenders of others. Nothing else needs them.
GRANT pg_read_all_settings, pg_read_all_stats TO larder;

-- Rows of tables, counted while a backup is taken, are what a proof compares a restored copy with. Without this right it has
-- only the server's statistics. It reads no more than REPLICATION does, but in a handier way; take the dashes away to grant it.
-- GRANT pg_read_all_data TO larder;

-- "larder wal seal": finishes the present segment.
GRANT EXECUTE ON FUNCTION pg_catalog.pg_switch_wal() TO larder;
