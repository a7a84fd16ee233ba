import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chooseInstanceUser } from '../../src/postgres/server/instance-user.ts';
import type { TestServer } from './postgres-server.ts';

/** Something of everything that is stored in its own way; written to two databases. */
const CONTENT = `
  CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
  CREATE TYPE pair AS (a int, b text);
  CREATE DOMAIN positive AS int CHECK (VALUE > 0);
  CREATE TABLE every_type (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b boolean, s smallint, i integer, r real, d double precision,
    n numeric(20, 5), m money, t text, c char(5), v varchar(9), y bytea, ts timestamp, tz timestamptz, dt date, ti time,
    iv interval, u uuid, j json, jb jsonb, x xml, ip inet, mc macaddr, bi bit(5), vb bit varying, p point, po polygon,
    ra int4range, mr int4multirange, ar text[], tv tsvector, mo mood, pa pair, pos positive, o oid, l pg_lsn);
  INSERT INTO every_type (b, s, i, r, d, n, m, t, c, v, y, ts, tz, dt, ti, iv, u, j, jb, ip, mc, bi, vb, p, po, ra, mr,
    ar, tv, mo, pa, pos, o, l)
  SELECT g % 2 = 0, g, g * 1000, g / 3.0, 'NaN', g * 1.00001, g::text::money, 'naïve ☃ ' || g, 'c', 'v', decode('00ff', 'hex'),
    '2026-11-22', '2026-11-22 12:00+02', '4713-01-01 BC', '23:59:59.999', '1 mon 2 days', gen_random_uuid(), '{"a":1}',
    jsonb_build_object('g', g), '::1', '08:00:2b:01:02:03', '10101', '1', '(1,2)', '((0,0),(1,1))', '[1,5)', '{[1,2),[4,5)}',
    ARRAY['x', NULL, '"'], to_tsvector('larder'), 'ok', ROW(g, 'b')::pair, g, g, '0/16B3748'
  FROM generate_series(1, 200) g;
  CREATE INDEX ON every_type USING gin (jb);
  CREATE INDEX ON every_type USING brin (i);
  CREATE INDEX ON every_type USING gist (p);
  CREATE INDEX ON every_type USING hash (t);
  CREATE TABLE toasted (id int, big text);
  ALTER TABLE toasted ALTER big SET STORAGE EXTERNAL;
  INSERT INTO toasted SELECT g, repeat(md5(g::text), 3000) FROM generate_series(1, 20) g;
  CREATE TABLE parted (id int, k int) PARTITION BY LIST (k);
  CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
  CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2);
  INSERT INTO parted SELECT g, 1 + g % 2 FROM generate_series(1, 100) g;
  CREATE UNLOGGED TABLE scratchpad AS SELECT g FROM generate_series(1, 1000) g;
  CREATE MATERIALIZED VIEW summary AS SELECT k, count(*) FROM parted GROUP BY k;
  CREATE SEQUENCE counter START 1000;
  SELECT nextval('counter') FROM generate_series(1, 5);
  SELECT lo_from_bytea(0, decode(repeat('c0ffee', 5000), 'hex'));`;

/** Fills `postgres` and a second database with an awkward name. */
export async function fillVaried(server: TestServer): Promise<void> {
  await server.query('CREATE DATABASE "Second ☃ db"');
  await server.query(CONTENT);
  await server.sql('Second ☃ db', CONTENT);
  await server.query('CREATE ROLE mover LOGIN REPLICATION');
}

/** Makes a tablespace that holds a table and its index, in place without a directory; gives its OID. */
export async function addTablespace(server: TestServer, name: string, directory?: string): Promise<number> {
  if (directory === undefined) {
    await server.query('ALTER SYSTEM SET allow_in_place_tablespaces = on');
    await server.query('SELECT pg_reload_conf(), pg_sleep(0.2)');
  } else {
    await mkdir(directory, { recursive: true });
    await giveToServer(directory);
  }
  // one by one: a text of several statements is one transaction, in which no tablespace can be made
  await server.query(`CREATE TABLESPACE ${name} LOCATION '${directory ?? ''}'`);
  await server.query(
    `CREATE TABLE in_${name} TABLESPACE ${name} AS SELECT g, md5(g::text) AS h FROM generate_series(1, 5000) g`,
  );
  await server.query(`CREATE INDEX ON in_${name} (h) TABLESPACE ${name}`);
  const [row] = await server.query(`SELECT oid FROM pg_tablespace WHERE spcname = '${name}'`);
  return Number(row!['oid']);
}

/** Names that a tar header, a JSON manifest, a shell or a careless path join could trip over. */
export const ODD_NAMES: readonly (string | Buffer)[] = [
  'with space',
  ' leading and trailing ',
  `quotes ' and "`,
  'hash # [brackets] 100%41',
  'back\\slash',
  'new\nline\tand tab',
  '-rf',
  'ünïcödé ☃',
  Buffer.from([0x6e, 0x6f, 0x74, 0xff, 0xfe, 0x80, 0x75, 0x74, 0x66, 0x38]),
  'n'.repeat(99),
];

/** Puts files of odd names, an empty file, an empty directory and a nested one into the data directory. */
export async function addOddFiles(server: TestServer): Promise<void> {
  for (const name of ODD_NAMES) {
    await writeOwned(
      oddPath(server.dataDirectory, name),
      `content of ${typeof name === 'string' ? name : name.toString('latin1')}`,
    );
  }
  await writeOwned(join(server.dataDirectory, 'empty file'), '');
  for (const directory of ['empty dir', 'extra dir', 'extra dir/nested']) {
    await mkdir(join(server.dataDirectory, directory));
    await giveToServer(join(server.dataDirectory, directory));
  }
  await writeOwned(join(server.dataDirectory, 'extra dir/nested/file'), 'x'.repeat(3_000_000));
}

export function oddPath(directory: string, name: string | Buffer): string | Buffer {
  return typeof name === 'string'
    ? join(directory, name)
    : Buffer.concat([Buffer.from(`${directory}/`), name]);
}

async function writeOwned(path: string | Buffer, content: string): Promise<void> {
  await writeFile(path, content, { mode: 0o600 });
  await giveToServer(path);
}

/** Makes a path belong to the account that test servers run under. */
export async function giveToServer(path: string | Buffer): Promise<void> {
  const user = await chooseInstanceUser();
  if (user !== undefined) await chown(path, user.uid, user.gid);
}
