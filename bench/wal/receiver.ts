import { setTimeout as delay } from 'node:timers/promises';
import type { Lsn } from '../../src/postgres/lsn.ts';
import { openInstanceSession, type InstanceSession } from '../../src/postgres/server/instance-session.ts';
import type { Background, Consumption } from '../background.ts';
import type { BenchServer } from '../server.ts';
import { lsnOf } from './wal-server.ts';

/** A program that receives one server's WAL through a slot of its own. */
export interface WalReceiver {
  readonly name: string;
  readonly version: string;
  /** Begins anew: has received nothing, and has a slot that keeps WAL from now on. */
  prepare(): Promise<void>;
  /** What it has on disk becomes what it was right after `prepare`; its slot stays where it is. */
  rewind(): Promise<void>;
  /** Known from `prepare` on. */
  slot(): string;
  /** Starts it, going on where it left off. */
  start(): Background;
  /** Where whole segments appear under their own names, each once it is durable and complete. */
  segmentDirectory(): Promise<string>;
  /** All that it left on disk of the WAL, bytes. */
  storedBytes(): Promise<number>;
  /** Removes what it has on disk, and its slot. */
  remove(): Promise<void>;
}

/** The walsender of a receiver, as the server sees it. */
export interface Attachment {
  readonly slot: string;
  readonly applicationName: string;
  readonly state: string;
  /** Reported as received. */
  readonly written: Lsn;
  /** Reported as durable. */
  readonly flushed: Lsn;
  /** `sync` when commits wait for it. */
  readonly syncState: string;
}

const PATIENCE = 60_000;

/** The walsender that uses a slot; `undefined` while there is none, or it has not been told anything. Any slot by default. */
export async function attachment(session: InstanceSession, slot?: string): Promise<Attachment | undefined> {
  const [row] = await session.query(
    `SELECT slot_name, application_name, state, sync_state, coalesce(write_lsn, restart_lsn) AS written, coalesce(flush_lsn, restart_lsn) AS flushed
     FROM pg_stat_replication r JOIN pg_replication_slots s ON s.active_pid = r.pid
     WHERE NOT temporary AND slot_name = coalesce($1, slot_name)`,
    [slot ?? null],
  );
  if (row === undefined || row['flushed'] === null) return undefined;
  return {
    slot: String(row['slot_name']),
    applicationName: String(row['application_name']),
    state: String(row['state']),
    written: lsnOf(row['written']),
    flushed: lsnOf(row['flushed']),
    syncState: String(row['sync_state']),
  };
}

/** Waits until the walsender of a running receiver is as wanted. Throws when the receiver ends, or after a minute. */
export async function untilAttached(
  session: InstanceSession,
  receiver: { readonly background: Background; readonly slot?: string },
  isWanted: (found: Attachment) => boolean,
): Promise<Attachment> {
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    await receiver.background.assertRunning();
    const found = await attachment(session, receiver.slot);
    if (found !== undefined && isWanted(found)) return found;
    if (performance.now() > deadline) {
      throw new Error(`no receiver as wanted: ${describe(found)}\n${await receiver.background.kill()}`);
    }
    await delay(20);
  }
}

/** Streaming, and everything received that the server had flushed at the time of the call. */
export async function untilCaughtUp(
  session: InstanceSession,
  receiver: { readonly background: Background; readonly slot?: string },
): Promise<Attachment> {
  const [row] = await session.query('SELECT pg_current_wal_flush_lsn() AS lsn');
  const end = lsnOf(row?.['lsn']);
  return untilAttached(session, receiver, ({ state, written }) => state === 'streaming' && written >= end);
}

/** Runs something while a receiver is there that has caught up; it is gone in any case at the end. */
export async function withReceiver<Result>(
  server: BenchServer,
  receiver: WalReceiver,
  action: (session: InstanceSession, background: Background) => Promise<Result>,
): Promise<Consumption & { readonly result: Result }> {
  await using session = await openInstanceSession(server.connection);
  const background = receiver.start();
  try {
    await untilCaughtUp(session, { background, slot: receiver.slot() });
    const result = await action(session, background);
    return { result, ...(await background.stop()) };
  } catch (error) {
    await background.kill();
    throw error;
  }
}

function describe(found: Attachment | undefined): string {
  return found === undefined ? 'none is connected' : `${found.applicationName} is in state ${found.state}`;
}
