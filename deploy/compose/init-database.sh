#!/bin/bash
# Run once by the image of the database, on its first start: the role, its password, and its right to a replication connection.
set -eu

larder_psql() {
  psql --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname "${POSTGRES_DB:-postgres}" "$@"
}

larder_psql --file /opt/larder-role.sql
# read by psql itself, so that the password is in no argument list and, unlogged, in no log
larder_psql <<'SQL'
\set password `cat /run/secrets/larder_password`
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
ALTER ROLE larder PASSWORD :'password';
SQL
# "all" in the database column does not cover replication; the network has no others than Larder
echo 'host replication larder samenet scram-sha-256' >>"$PGDATA/pg_hba.conf"
