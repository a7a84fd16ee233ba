import { insertOrders } from '../cluster.ts';
import type { BenchServer } from '../server.ts';

/** Rows of the change that issue 4 names. */
export const NEW_ORDERS = 10_000;

/**
 * One transaction that appends rows to the orders of `fillCluster`: new blocks of the table and its primary key, and
 * nearly every block of the index on the customer, who is any of 100,000.
 */
export async function insertNewOrders(server: BenchServer): Promise<void> {
  const [row] = await server.execute('SELECT max(id) AS last FROM orders');
  const last = Number(row?.['last']);
  await server.execute(insertOrders(last + 1, last + NEW_ORDERS));
}
