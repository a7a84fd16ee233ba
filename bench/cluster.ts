import type { BenchServer } from './server.ts';

/** The tables with their indexes on disk, bytes a unit: what PostgreSQL 18 makes of the statements below. */
const BYTES_PER_SCALE = 14_980_000;
const BYTES_PER_ORDER = 475;
const ACCOUNTS_PER_SCALE = 100_000;
const TABLES_PER_TRANSACTION = 500;

/**
 * Fills the server with about `bytes`: one half what `pgbench -i` makes, which compresses to next to nothing, the other
 * half orders of random text and jsonb, which hardly compress. By SQL, so it is the same where there is no pgbench.
 */
export async function fillCluster(server: BenchServer, bytes: number): Promise<void> {
  const scale = Math.max(1, Math.round(bytes / 2 / BYTES_PER_SCALE));
  const orders = Math.max(1, Math.round(bytes / 2 / BYTES_PER_ORDER));
  await server.execute(SESSION, ...pgbenchTables(scale), ...orderTable(orders), 'VACUUM (FREEZE, ANALYZE)');
}

/** Makes `count` tables, each with a row, a primary key and a TOAST table: four files each, most of one page. */
export async function fillTables(server: BenchServer, count: number): Promise<void> {
  // the locks of a transaction are bounded by max_locks_per_transaction * max_connections
  const batches = Array.from({ length: Math.ceil(count / TABLES_PER_TRANSACTION) }, (_, batch) => {
    const first = batch * TABLES_PER_TRANSACTION + 1;
    return tableBatch(first, Math.min(first + TABLES_PER_TRANSACTION - 1, count));
  });
  await server.execute(SESSION, ...batches);
}

// setseed alone does not make rows repeatable when workers share a query
const SESSION = `SET synchronous_commit = off; SET maintenance_work_mem = '256MB';
  SET max_parallel_workers_per_gather = 0; SELECT setseed(0.5)`;

function pgbenchTables(scale: number): string[] {
  const accounts = scale * ACCOUNTS_PER_SCALE;
  return [
    `CREATE TABLE pgbench_branches (bid int NOT NULL, bbalance int, filler char(88)) WITH (fillfactor = 100);
     CREATE TABLE pgbench_tellers (tid int NOT NULL, bid int, tbalance int, filler char(84)) WITH (fillfactor = 100);
     CREATE TABLE pgbench_accounts (aid int NOT NULL, bid int, abalance int, filler char(84)) WITH (fillfactor = 100);
     CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22))`,
    `INSERT INTO pgbench_branches SELECT bid, 0 FROM generate_series(1, ${scale}) bid`,
    `INSERT INTO pgbench_tellers SELECT tid, (tid - 1) / 10 + 1, 0 FROM generate_series(1, ${scale * 10}) tid`,
    `INSERT INTO pgbench_accounts SELECT aid, (aid - 1) / ${ACCOUNTS_PER_SCALE} + 1, 0, ''
     FROM generate_series(1, ${accounts}) aid`,
    `ALTER TABLE pgbench_branches ADD PRIMARY KEY (bid)`,
    `ALTER TABLE pgbench_tellers ADD PRIMARY KEY (tid)`,
    `ALTER TABLE pgbench_accounts ADD PRIMARY KEY (aid)`,
  ];
}

function orderTable(rows: number): string[] {
  return [
    `CREATE TABLE orders (id bigint NOT NULL, customer int, placed timestamptz, note text, detail jsonb)`,
    insertOrders(1, rows),
    `ALTER TABLE orders ADD PRIMARY KEY (id)`,
    `CREATE INDEX ON orders (customer)`,
  ];
}

/** One statement that inserts orders `first` to `last`. */
export function insertOrders(first: number, last: number): string {
  const text = Array.from({ length: 6 }, () => 'md5(random()::text)').join(' || ');
  return `INSERT INTO orders SELECT id, (random() * 100000)::int, '2026-01-01'::timestamptz + random() * interval '300 days',
       ${text},
       jsonb_build_object('items', (random() * 10)::int, 'code', md5(random()::text), 'k', md5(random()::text), 'tip', random())
     FROM generate_series(${first}, ${last}) id`;
}

function tableBatch(first: number, last: number): string {
  return `DO $$ BEGIN FOR n IN ${first}..${last} LOOP
    EXECUTE format('CREATE TABLE t_%s (id int PRIMARY KEY, note text)', n);
    EXECUTE format('INSERT INTO t_%s VALUES (1, ''a row'')', n);
  END LOOP; END $$`;
}
