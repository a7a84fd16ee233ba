import { setTimeout as delay } from 'node:timers/promises';
import { parseLsn, type Lsn } from '../../src/postgres/lsn.ts';
import { fillCluster } from '../cluster.ts';
import { startBenchServer, type Bench, type BenchServer } from '../server.ts';

/** Of the tables that every part begins with: pgbench's scale 20, and as much again in orders. */
const TABLE_BYTES = 600e6;

const SETTINGS: Readonly<Record<string, string>> = {
  archive_mode: 'off',
  // what a slot holds back causes no checkpoint, and what it lets go is kept to be written again
  max_wal_size: '64GB',
  min_wal_size: '4GB',
};

/** The slot that keeps WAL for those who are to read the same again. */
const KEEPER = 'bench_keeper';

/** A server with tables, whose WAL nobody receives yet. */
export async function startWalServer(bench: Bench): Promise<BenchServer> {
  const server = await startBenchServer(bench, 'wal', SETTINGS);
  try {
    await fillCluster(server, TABLE_BYTES);
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** What its log is flushed up to. */
export async function flushedLsn(server: BenchServer): Promise<Lsn> {
  const [row] = await server.execute('SELECT pg_current_wal_flush_lsn() AS lsn');
  return lsnOf(row?.['lsn']);
}

/** Ends the segment; the first byte of the next one. */
export async function switchSegment(server: BenchServer, segmentSize: number): Promise<Lsn> {
  const [row] = await server.execute('SELECT pg_switch_wal() AS lsn');
  const size = BigInt(segmentSize);
  const end = ((lsnOf(row?.['lsn']) + size - 1n) / size) * size;
  // the next segment begins with something, so that it is known that the one before it is over
  await server.execute(`SELECT pg_log_standby_snapshot()`);
  return end;
}

/** Keeps all WAL from the last checkpoint on, which is now, until `releaseWal`. */
export async function keepWal(server: BenchServer): Promise<void> {
  await server.execute('CHECKPOINT', `SELECT pg_create_physical_replication_slot('${KEEPER}', true)`);
}

export async function releaseWal(server: BenchServer): Promise<void> {
  await dropSlot(server, KEEPER);
}

/** Makes a slot that keeps WAL from now on. */
export async function createSlot(server: BenchServer, slot: string): Promise<void> {
  await server.execute(`SELECT pg_create_physical_replication_slot('${slot}', true)`);
}

/** Puts a slot, whose receiver is gone, back to where the WAL is kept from. */
export async function rewindSlot(server: BenchServer, slot: string): Promise<void> {
  await dropSlot(server, slot);
  await server.execute(`SELECT pg_copy_physical_replication_slot('${KEEPER}', '${slot}')`);
}

/** No error when there is none. A receiver that has just ended may still be in it: its walsender is waited for. */
export async function dropSlot(server: BenchServer, slot: string): Promise<void> {
  const active = `SELECT count(*) AS n FROM pg_replication_slots WHERE slot_name = '${slot}' AND active`;
  const deadline = performance.now() + PATIENCE;
  while (Number((await server.execute(active))[0]?.['n']) > 0) {
    if (performance.now() > deadline) throw new Error(`the slot ${slot} stays in use`);
    await delay(50);
  }
  await server.execute(
    `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '${slot}'`,
  );
}

const PATIENCE = 10_000;

/** A value of type pg_lsn. */
export function lsnOf(value: unknown): Lsn {
  const lsn = parseLsn(String(value));
  if (lsn === undefined) throw new Error(`the server gave ${String(value)} where an LSN was expected`);
  return lsn;
}
