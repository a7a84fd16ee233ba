/** 2000-01-01 00:00 UTC, from which PostgreSQL counts, in microseconds since 1970. */
const POSTGRES_EPOCH = 946_684_800_000_000n;

/** Turns a TimestampTz, microseconds since 2000, into microseconds since 1970, both UTC. */
export function postgresTime(timestamp: bigint): bigint {
  return timestamp + POSTGRES_EPOCH;
}
