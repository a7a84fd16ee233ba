import { openInstanceSession } from '../postgres/server/instance-session.ts';
import { TRUCK_INDEXES } from './food-truck-indexes.ts';
import { PAYROLL_ROWS, rowCounts, truckRows } from './food-truck-rows.ts';
import { PAYROLL_SCHEMA, TRUCK_SCHEMA } from './food-truck-schema.ts';

export interface FoodTruckOptions {
  /** 1 makes about 200 MB with indexes; 0.02 about 5 MB beside the empty databases. */
  readonly scale: number;
  /** Looked at between statements. */
  readonly signal?: AbortSignal;
}

/**
 * Fills a server with the invented food-truck company: databases `truck` and `payroll`, the same rows in every run. The
 * connection is a superuser's. Throws what the server says, for instance when a database is there already.
 */
export async function fillFoodTruck(connection: string, options: FoodTruckOptions): Promise<void> {
  const { signal } = options;
  await execute(connection, 'postgres', ['CREATE DATABASE truck', 'CREATE DATABASE payroll'], signal);
  await execute(connection, 'payroll', [PAYROLL_SCHEMA, ...PAYROLL_ROWS], signal);
  const rows = truckRows(rowCounts(options.scale));
  await execute(connection, 'truck', [SESSION_SETTINGS, TRUCK_SCHEMA, ...rows, ...TRUCK_INDEXES], signal);
  // hint bits and the visibility map are written now, not bit by bit behind a later comparison's back
  await execute(connection, 'truck', ['VACUUM (ANALYZE)', 'CHECKPOINT'], signal);
}

const SESSION_SETTINGS = `SET maintenance_work_mem = '128MB'; SET work_mem = '32MB'; SET synchronous_commit = off; SET TimeZone = 'UTC'`;

async function execute(
  connection: string,
  database: string,
  statements: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  await using session = await openInstanceSession(connection, database);
  for (const statement of statements) {
    signal?.throwIfAborted();
    await session.query(statement);
  }
}
