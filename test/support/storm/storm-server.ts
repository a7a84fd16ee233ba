import { openInstanceSession } from '../../../src/postgres/server/instance-session.ts';
import { SeededRandom } from '../seeded-random.ts';
import type { TestServer, TestServerOptions } from '../postgres-server.ts';
import { startServer } from '../postgres-server.ts';
import { HOLDINGS_TABLE, noteHolding } from './cluster-holdings.ts';
import { type Ledger, LARGE_OBJECTS, LEDGER_SCHEMA, readLedger } from './ledger.ts';
import { Spaces } from './spaces.ts';
import { createTable, insertRows, type Shape } from './storm-table.ts';

/** Databases that last, each with a hand of its own. */
export const LASTING_DATABASES = ['storm_1', 'storm_2'];
/** Tablespaces that last. */
export const LASTING_SPACES = ['lasting_1', 'lasting_2'];

export interface StormServer {
  readonly server: TestServer;
  readonly spaces: Spaces;
  /** What `template1` holds, and every database that is made from it. */
  readonly template: Ledger;
  /** What `postgres` holds at first. */
  readonly postgres: Ledger;
}

/** Changes that its hands do not make would hinder comparing. It loses nothing: it never crashes. */
const SETTINGS = {
  fsync: 'off',
  autovacuum: 'off',
  shared_buffers: '24MB',
  max_wal_size: '64MB',
  min_wal_size: '32MB',
  log_min_messages: 'error',
};

/** A small cluster whose databases, all made from `template1`, keep a ledger of what they hold. */
export async function startStormServer(options: Omit<TestServerOptions, 'settings'>): Promise<StormServer> {
  const summaries = options.major >= 17 ? { summarize_wal: 'on' } : {};
  const server = await startServer({ ...options, settings: { ...SETTINGS, ...summaries } });
  try {
    const spaces = new Spaces(server.dataDirectory);
    await spaces.link();
    for (const name of LASTING_SPACES) {
      await spaces.add(name);
      await server.query(`CREATE TABLESPACE ${name} LOCATION '${Spaces.location(name)}'`);
    }
    // template1 is all that there is to copy
    await server.query(`ALTER DATABASE template0 IS_TEMPLATE false`);
    await server.query(`DROP DATABASE template0`);
    return { server, spaces, ...(await fill(server)) };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function fill(server: TestServer): Promise<Pick<StormServer, 'template' | 'postgres'>> {
  await server.sql('template1', [...EVERYWHERE, ...templateTables()].join(';\n'));
  for (const name of LASTING_DATABASES) await server.query(`CREATE DATABASE ${name}`);
  await server.query(
    [...EVERYWHERE, HOLDINGS_TABLE, ...firstHoldings(), recorded(['holdings', LARGE_OBJECTS])].join(';\n'),
  );
  return {
    template: await ledgerOf(server, 'template1'),
    postgres: await ledgerOf(server, 'postgres'),
  };
}

const EVERYWHERE = ['CREATE EXTENSION amcheck', 'CREATE EXTENSION pg_visibility', LEDGER_SCHEMA];

/** One table of every shape, and an unlogged one; batch 0 wrote them. */
function templateTables(): string[] {
  const shapes: readonly Shape[] = ['plain', 'indexed', 'toasted', 'bulk'];
  const logged = shapes.map((shape) => `${shape}_0`);
  const names = [...logged, 'plain_u'];
  const tables = names.flatMap((name) => [
    ...createTable(name, { unlogged: !logged.includes(name), tablespace: '' }),
    insertRows(name, name.startsWith('toasted') ? 20 : 400, 0, new SeededRandom(0)),
  ]);
  return [
    ...tables,
    'CREATE SEQUENCE counter',
    `SELECT lo_from_bytea(0, decode(repeat('c0ffee', 5000), 'hex'))`,
    recorded([...names, 'counter', LARGE_OBJECTS]),
  ];
}

function firstHoldings(): string[] {
  const databases = ['postgres', 'template1', ...LASTING_DATABASES].map((name) =>
    noteHolding({ kind: 'database', name, state: 'present', tablespace: 'pg_default' }),
  );
  const tablespaces = LASTING_SPACES.map((name) =>
    noteHolding({ kind: 'tablespace', name, state: 'present', tablespace: '' }),
  );
  return [...databases, ...tablespaces];
}

function recorded(names: readonly string[]): string {
  return `SELECT storm.record(0, ARRAY[${names.map((name) => `'${name}'`).join(', ')}])`;
}

async function ledgerOf(server: TestServer, database: string): Promise<Ledger> {
  await using session = await openInstanceSession(server.connection, database);
  return await readLedger(session);
}
