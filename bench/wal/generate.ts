import { setTimeout as delay } from 'node:timers/promises';
import { insertOrders } from '../cluster.ts';
import type { BenchServer } from '../server.ts';
import { flushedLsn } from './wal-server.ts';

const ORDERS_A_STATEMENT = 50_000;
/** Rows of pgbench_accounts are about 61 a page: one of 50 touches every page. */
const STRIDE = 50;

/**
 * Makes at least `bytes` of WAL, on the tables of `fillCluster`: one half full pages of pgbench_accounts, as a busy
 * server writes them after each checkpoint, which compress well; one half new orders, which hardly compress.
 */
export async function generateWal(server: BenchServer, bytes: number): Promise<void> {
  const end = (await flushedLsn(server)) + BigInt(bytes);
  let orders = Number((await server.execute('SELECT max(id) AS last FROM orders'))[0]?.['last']);
  let turn = 0;
  let updated = 0n;
  for (let at = await flushedLsn(server); at < end; at = await flushedLsn(server)) {
    const middle = at;
    // until both kinds have made the same amount
    await server.execute(
      'SET synchronous_commit = off; CHECKPOINT',
      `UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid % ${STRIDE} = ${turn++ % STRIDE}`,
    );
    updated = (await flushedLsn(server)) - middle;
    while ((await flushedLsn(server)) - middle < 2n * updated) {
      await server.execute(
        'SET synchronous_commit = off',
        insertOrders(orders + 1, orders + ORDERS_A_STATEMENT),
      );
      orders += ORDERS_A_STATEMENT;
      await delay(0);
    }
  }
}
