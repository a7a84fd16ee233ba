import type { InstanceSession } from '../../../src/postgres/server/instance-session.ts';

/** What one table, the sequence, or all large objects together must hold. Counts are text: bigint. */
export interface Holding {
  readonly name: string;
  readonly kind: 'table' | 'sequence' | 'large objects';
  /** `p` permanent, `u` unlogged. */
  readonly persistence: string;
  /** Empty for the database's own. */
  readonly tablespace: string;
  /** Of a sequence, its last value; of large objects, their pages. */
  readonly rows: string;
  /** A sum over the rows, which no order changes. */
  readonly hash: string;
}

/** All that a database must hold, by name. */
export type Ledger = ReadonlyMap<string, Holding>;

export const LARGE_OBJECTS = 'large objects';

/**
 * What every database of the storm has in the schema `storm`: the ledger, which is kept in the same transactions as the
 * tables of the schema `public` that it speaks of, the history of these transactions without a gap, and functions that
 * look at what there is.
 */
export const LEDGER_SCHEMA = `
  CREATE SCHEMA storm;
  CREATE TABLE storm.history (batch bigint PRIMARY KEY, what text NOT NULL);
  CREATE TABLE storm.ledger (name text PRIMARY KEY, kind text NOT NULL, persistence text NOT NULL,
    tablespace text NOT NULL, rows bigint NOT NULL, hash numeric NOT NULL, batch bigint NOT NULL);

  CREATE FUNCTION storm.content_of(relation regclass, predicate text, OUT rows bigint, OUT hash numeric)
  LANGUAGE plpgsql AS $$ BEGIN
    IF (SELECT relkind = 'S' FROM pg_class WHERE oid = relation) THEN
      -- log_cnt is left out: it counts what was written ahead to the WAL, not what was handed out
      EXECUTE format('SELECT last_value, 0 FROM %s', relation) INTO rows, hash;
    ELSE
      EXECUTE format('SELECT count(*), coalesce(sum(hashtextextended(larder_row::text, 0)), 0)
                      FROM ONLY %s AS larder_row WHERE %s', relation, predicate) INTO rows, hash;
    END IF;
  END $$;
  CREATE FUNCTION storm.content_through_index(relation regclass, predicate text, OUT rows bigint, OUT hash numeric)
  LANGUAGE sql SET enable_seqscan = off AS 'SELECT * FROM storm.content_of(relation, predicate)';
  CREATE FUNCTION storm.content_by_scan(relation regclass, predicate text, OUT rows bigint, OUT hash numeric)
  LANGUAGE sql SET enable_indexscan = off SET enable_indexonlyscan = off SET enable_bitmapscan = off
  AS 'SELECT * FROM storm.content_of(relation, predicate)';

  CREATE FUNCTION storm.look_at(names text[])
  RETURNS TABLE (name text, kind text, persistence text, tablespace text, rows bigint, hash numeric)
  LANGUAGE sql AS $$
    SELECT c.relname::text, CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, c.relpersistence::text,
           coalesce(t.spcname::text, ''), content.rows, content.hash
    FROM pg_class c LEFT JOIN pg_tablespace t ON t.oid = c.reltablespace
         CROSS JOIN LATERAL storm.content_of(c.oid, 'true') AS content
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'S')
      AND (names IS NULL OR c.relname = ANY (names))
    UNION ALL
    SELECT '${LARGE_OBJECTS}', '${LARGE_OBJECTS}', 'p', '', content.rows, content.hash
    FROM storm.content_of('pg_largeobject', 'true') AS content
    WHERE names IS NULL OR '${LARGE_OBJECTS}' = ANY (names)
  $$;

  CREATE FUNCTION storm.record(at bigint, names text[]) RETURNS SETOF storm.ledger
  LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM storm.ledger AS l WHERE l.name = ANY (names);
    INSERT INTO storm.ledger SELECT *, at FROM storm.look_at(names);
    RETURN QUERY SELECT * FROM storm.ledger AS l WHERE l.name = ANY (names);
  END $$;`;

/** What the database's own ledger says. */
export async function readLedger(session: InstanceSession): Promise<Ledger> {
  return toLedger(await session.query(`SELECT * FROM storm.ledger`));
}

/** What there is, whatever the ledger says. */
export async function readPresent(session: InstanceSession): Promise<Ledger> {
  return toLedger(await session.query(`SELECT * FROM storm.look_at(NULL)`));
}

export function toLedger(rows: readonly Record<string, unknown>[]): Ledger {
  return new Map(
    rows.map((row) => {
      const holding: Holding = {
        name: String(row['name']),
        kind: row['kind'] as Holding['kind'],
        persistence: String(row['persistence']),
        tablespace: String(row['tablespace']),
        rows: String(row['rows']),
        hash: String(row['hash']),
      };
      return [holding.name, holding] as const;
    }),
  );
}
